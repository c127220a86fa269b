//! `audit query --count by FIELD`: how many events have each value.

use std::{
    collections::HashMap,
    io::{self, Write},
};

use serde_json::{Value, json};
use storage::{OfColumn, Row};

use super::{
    line::Line,
    query::{Asked, columns_of, each, each_row, tell},
    query_shapes::{known, shown},
};
use crate::{
    args::{Filters, Format, Globals, QueryArgs},
    derive::Opened,
    dispatch::Answer,
    failure::Failure,
    text::{self, Align, HEADING, Out, Safe, Screen, Table},
};

/// Reads `by FIELD`.
pub(super) fn count_by(words: &[String]) -> Result<Option<&str>, Failure> {
    match words {
        [] => Ok(None),
        [by, field] if by == "by" => known(field).map(Some),
        _ => Err(Failure::new(format!("cannot count '{}'", words.join(" ")))
            .hint("audit query --count by exe")),
    }
}

/// A value for programs and for people, and how often: events, times.
type Count = (Value, String, u64, u64);

/// Counts by value. Of columns the bytes are the key, so that nothing is made for each event.
#[derive(Default)]
struct Counts {
    values: HashMap<String, Count>,
    texts: HashMap<Vec<u8>, (u64, u64)>,
    numbers: HashMap<u64, (u64, u64)>,
    without: (u64, u64),
}

/// The column that a field is, where the line says the same: `path` of a line may be what was claimed.
fn column<'r>(field: &str, row: &Row<'r>) -> Option<OfColumn<'r>> {
    let text = |value: Option<&'r [u8]>| value.map_or(OfColumn::Absent, OfColumn::Bytes);
    let number =
        |value: Option<u32>| value.map_or(OfColumn::Absent, |n| OfColumn::Number(n.into()));
    Some(match field {
        "type" => OfColumn::Bytes(row.kind.as_bytes()),
        "op" => text(row.op.map(str::as_bytes)),
        "exe" => text(row.exe),
        "proto" => text(row.proto.map(str::as_bytes)),
        "pid" => number(row.pid),
        "ppid" => number(row.ppid),
        "uid" => number(row.uid),
        _ => return None,
    })
}

impl Counts {
    fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.numbers.is_empty() && self.without.0 == 0
    }

    /// Counts an event by its line.
    fn line(&mut self, field: &str, row: &Row<'_>) {
        let line = Line::parse(row.line);
        let value = line.value(field).cloned().unwrap_or(Value::Null);
        let key = format!("{value}{}", line.text(&format!("{field}_b64")));
        let known = self.values.entry(key).or_insert_with(|| (value, shown(&line, field), 0, 0));
        known.2 += 1;
        known.3 = known.3.saturating_add(row.count);
    }

    /// Counts an event by a column.
    fn column(&mut self, column: OfColumn<'_>, times: u64) {
        let count = match column {
            OfColumn::Absent => &mut self.without,
            OfColumn::Number(number) => self.numbers.entry(number).or_default(),
            OfColumn::Bytes(bytes) => {
                if !self.texts.contains_key(bytes) {
                    self.texts.insert(bytes.to_vec(), (0, 0));
                }
                match self.texts.get_mut(bytes) {
                    Some(count) => count,
                    None => return,
                }
            }
        };
        (count.0, count.1) = (count.0 + 1, count.1.saturating_add(times));
    }

    /// Adds those of another run.
    fn add(&mut self, other: Counts) {
        let sum = |into: &mut (u64, u64), from: (u64, u64)| {
            *into = (into.0 + from.0, into.1.saturating_add(from.1));
        };
        for (text, count) in other.texts {
            sum(self.texts.entry(text).or_default(), count);
        }
        for (number, count) in other.numbers {
            sum(self.numbers.entry(number).or_default(), count);
        }
        sum(&mut self.without, other.without);
    }

    /// All of them, the most frequent first.
    fn finish(self) -> Vec<Count> {
        let mut all: Vec<Count> = self.values.into_values().collect();
        all.extend(self.texts.into_iter().map(|(bytes, (events, times))| {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            (json!(text), Safe::bytes(&bytes).to_string(), events, times)
        }));
        all.extend(
            self.numbers.into_iter().map(|(number, (events, times))| {
                (json!(number), number.to_string(), events, times)
            }),
        );
        if self.without.0 > 0 {
            all.push((Value::Null, String::new(), self.without.0, self.without.1));
        }
        all.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| a.1.cmp(&b.1)));
        all
    }
}

/// Counts a column of all events of a run of which types, operations, process and times are as asked;
/// `None` when more is asked for, or the index cannot say it.
fn whole(run: &Opened, filters: &Filters, field: &str) -> Result<Option<Counts>, Failure> {
    let more = [&filters.path, &filters.dest, &filters.host, &filters.exe];
    if filters.related || more.iter().any(|asked| asked.is_some()) {
        return Ok(None);
    }
    let Some(events) = run.events()? else { return Ok(None) };
    let (query, mut counts) = (columns_of(filters, run, None), Counts::default());
    let said = events.values(&query, field, &mut |value, times| counts.column(value, times));
    Ok(Some(counts).filter(|counts| said && !counts.is_empty()))
}

/// Counts the events by the values of a field, over all runs.
pub(super) fn count(
    opened: &[Opened],
    filters: &Filters,
    field: &str,
    args: &QueryArgs,
    globals: &Globals,
) -> Result<Answer, Failure> {
    let mut counts = Counts::default();
    // What is asked of lines reads them.
    let in_columns = column(field, &Row::default()).is_some()
        && filters.contains.is_none()
        && filters.severity.is_empty();
    for run in opened {
        let asked = Asked { filters, left: None };
        if in_columns && let Some(whole) = whole(run, filters, field)? {
            counts.add(whole);
            continue;
        }
        let found = if in_columns {
            each_row(run, &asked, &mut |row| {
                if let Some(column) = column(field, row) {
                    counts.column(column, row.count);
                }
            })?
        } else {
            each(run, &asked, &mut |row| {
                counts.line(field, row);
                Ok(())
            })?
        };
        tell(&found, run, globals, opened.len() > 1);
    }
    let mut counts = counts.finish();
    let all = counts.len();
    if !args.all {
        counts.truncate(args.limit);
    }
    let mut out = Out::open(globals);
    match globals.form() {
        Format::Text => counted(&counts, all, field, &mut out)?,
        form => {
            let entries: Vec<Value> = counts
                .iter()
                .map(|(value, _, events, times)| {
                    json!({ "value": value, "events": events, "times": times })
                })
                .collect();
            let page = json!({ "schema": "audit.count", "version": 1, "field": field,
                               "values": all, "counts": entries });
            text::write_json(&mut out, &page, form)?;
        }
    }
    out.close()?;
    Ok(if all > 0 { Answer::Yes } else { Answer::No })
}

fn counted(
    counts: &[(Value, String, u64, u64)],
    all: usize,
    field: &str,
    out: &mut impl Write,
) -> io::Result<()> {
    use Align::{CutMiddle, Right};
    let mut table = Table::new(&[Right, Right, CutMiddle]);
    table.styled(
        ["EVENTS", "TIMES"]
            .into_iter()
            .map(|head| (head.to_owned(), HEADING))
            .chain([(field.to_uppercase(), HEADING)]),
    );
    for (_, shown, events, times) in counts {
        let shown = if shown.is_empty() { "-".to_owned() } else { shown.clone() };
        table.row([text::count(*events), text::count(*times), shown]);
    }
    if all > 0 {
        out.write_all(table.render(Screen::of_stdout().room).as_bytes())?;
    }
    if all > counts.len() {
        let words = format!("{} of {all} values: --all, or --limit N", counts.len());
        writeln!(out, "{}", text::painted(text::FAINT, &words))?;
    }
    Ok(())
}
