//! `audit diff` for a pull request and for programs.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::diff::{Page, mark, note, what};
use crate::{
    diff::{Change, Kind, Section, normal::Rule},
    text,
};

impl Page<'_> {
    /// Writes the page for a pull request.
    pub(super) fn markdown(&self, out: &mut impl Write) -> io::Result<()> {
        let [left, right] = &self.title;
        writeln!(out, "### {}\n\n{}\n", text::markdown(left), text::markdown(right))?;
        for section in Section::ALL {
            let numbers = self.numbers(section);
            if numbers.is_empty() {
                continue;
            }
            writeln!(out, "**{}**: {numbers}\n", section.name())?;
            let mut any = false;
            for change in self.difference.of(section) {
                any = true;
                let note = note(change);
                let note =
                    if note.is_empty() { note } else { format!(": {}", text::markdown(&note)) };
                writeln!(out, "- `{}` {}{note}", mark(change.kind).0, text::code(&what(change)))?;
            }
            if any {
                writeln!(out)?;
            }
        }
        if self.difference.changes.is_empty() {
            writeln!(out, "No difference.")?;
        }
        Ok(())
    }

    /// The page as JSON.
    pub(super) fn object(&self, [a, b]: [&str; 2]) -> Value {
        let sections: serde_json::Map<String, Value> = Section::ALL
            .into_iter()
            .map(|section| {
                let list = |kind| -> Vec<Value> {
                    let of = self.difference.of(section).filter(|change| change.kind == kind);
                    of.map(object).collect()
                };
                let same = self.difference.same.get(&section).copied().unwrap_or(0);
                let page = json!({ "new": list(Kind::New), "gone": list(Kind::Gone),
                                   "changed": list(Kind::Changed), "same": same });
                (section.name().to_owned(), page)
            })
            .collect();
        let mut alike = serde_json::Map::new();
        for rule in Rule::ALL {
            let notes = self.facts.iter().filter_map(|facts| facts.notes.get(&rule));
            let pairs: Vec<Value> = notes
                .flat_map(|(_, examples)| examples.iter())
                .map(|(was, is)| json!({ "was": was, "is": is }))
                .collect();
            alike.insert(rule.name().to_owned(), Value::Array(pairs));
        }
        json!({
            "schema": "audit.diff", "version": 1, "a": a, "b": b,
            "differences": self.difference.changes.len(),
            "sections": sections,
            "ignored": self.difference.ignored,
            "normalised": alike,
        })
    }
}

fn object(change: &Change) -> Value {
    let mut object = json!({ "name": change.name, "seq": change.fact.seq });
    if let Some(fields) = object.as_object_mut() {
        if let Some((from, to)) = &change.values {
            fields.insert("from".to_owned(), json!(from));
            fields.insert("to".to_owned(), json!(to));
        }
        if !change.fact.words.is_empty() {
            fields.insert("words".to_owned(), json!(change.fact.words));
        }
        if !change.fact.by.is_empty() {
            fields.insert("by".to_owned(), json!(change.fact.by));
        }
    }
    object
}
