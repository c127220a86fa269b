//! YAML as a tree with lines, bounded: scalars as they are written, no aliases, no merging.
//!
//! Rules are written by people and may come from anybody, so nothing of YAML that can grow (aliases)
//! or change a word's meaning (types of plain scalars) is taken.

pub(crate) mod packed;

use granit_parser::{Event, Options, Parser, ScalarStyle};

/// Longest file of rules, bytes (HOSTILE A17).
pub(crate) const MAX_FILE: usize = 1 << 20;

/// Deepest nesting of lists and maps; rules that exist need 10.
const MAX_DEPTH: usize = 32;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    /// Line, from 1.
    pub(crate) line: usize,
    pub(crate) value: Value,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// A word, as it is written; `plain` without quotes.
    Scalar { text: String, plain: bool },
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the file.
    Map(Vec<(Key, Node)>),
}

/// A key of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// Why a text is no such tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) line: usize,
    pub(crate) why: String,
}

/// A list or map that is being read.
enum Open {
    List(usize, Vec<Node>),
    Map(usize, Vec<(Key, Node)>, Option<Key>),
}

/// Reads the documents of `text`.
pub(crate) fn parse(text: &str) -> Result<Vec<Node>, Fault> {
    if text.len() > MAX_FILE {
        return Err(Fault { line: 1, why: format!("longer than {} KiB", MAX_FILE >> 10) });
    }
    let mut options = Options::default();
    options.emit_unresolved_aliases = true;
    options.emit_comments = false;
    options.flow_nesting_limit = MAX_DEPTH;
    options.block_nesting_limit = MAX_DEPTH;
    let (mut documents, mut open) = (Vec::new(), Vec::new());
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) =
            event.map_err(|why| Fault { line: why.marker().line().max(1), why: why.info() })?;
        let line = span.start.line().max(1);
        let node = match event {
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                return Err(Fault { line, why: "aliases are not taken".to_owned() });
            }
            Event::Scalar(text, style, ..) => {
                let plain = style == ScalarStyle::Plain;
                Node { line, value: Value::Scalar { text: text.into_owned(), plain } }
            }
            Event::SequenceStart(..) => {
                deeper(&mut open, Open::List(line, Vec::new()), line)?;
                continue;
            }
            Event::MappingStart(..) => {
                deeper(&mut open, Open::Map(line, Vec::new(), None), line)?;
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open::List(line, items)) => Node { line, value: Value::List(items) },
                Some(Open::Map(line, items, _)) => Node { line, value: Value::Map(items) },
                None => continue,
            },
            _ => continue,
        };
        put(&mut documents, open.last_mut(), node)?;
    }
    Ok(documents)
}

fn deeper(open: &mut Vec<Open>, one: Open, line: usize) -> Result<(), Fault> {
    if open.len() >= MAX_DEPTH {
        return Err(Fault { line, why: format!("nested deeper than {MAX_DEPTH}") });
    }
    open.push(one);
    Ok(())
}

fn put(documents: &mut Vec<Node>, open: Option<&mut Open>, node: Node) -> Result<(), Fault> {
    match open {
        None => documents.push(node),
        Some(Open::List(_, items)) => items.push(node),
        Some(Open::Map(_, items, key)) => match key.take() {
            Some(key) => items.push((key, node)),
            None => {
                let Value::Scalar { text, .. } = node.value else {
                    return Err(Fault { line: node.line, why: "a key must be a word".to_owned() });
                };
                if items.iter().any(|(known, _)| known.text == text) {
                    return Err(Fault { line: node.line, why: format!("'{text}' is there twice") });
                }
                *key = Some(Key { line: node.line, text });
            }
        },
    }
    Ok(())
}

impl Node {
    /// A word in quotes.
    pub(crate) fn word(line: usize, text: String) -> Node {
        Node { line, value: Value::Scalar { text, plain: false } }
    }

    /// The word.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The items of a list; a single value is a list of one, nothing is none.
    pub(crate) fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ if self.is_null() => &[],
            _ => std::slice::from_ref(self),
        }
    }

    /// The entries of a map.
    pub(crate) fn entries(&self) -> Option<&[(Key, Node)]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries()?.iter().find(|(known, _)| known.text == key).map(|(_, node)| node)
    }

    /// Nothing, as YAML writes it.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true }
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_as_they_are_written_and_have_lines() {
        let read = parse("a: 00429\nb:\n  - yes\n  - \"x\\n\"\n").expect("it is YAML");
        assert_eq!(read[0].get("a").and_then(Node::text), Some("00429"));
        let list = read[0].get("b").expect("it is there").items();
        assert_eq!((list[0].text(), list[0].line), (Some("yes"), 3));
        assert_eq!(list[1].text(), Some("x\n"));
    }

    #[test]
    fn what_can_grow_is_refused() {
        for (text, why) in [
            ("a: &x [1]\nb: *x\n", "aliases are not taken"),
            ("a: *x\n", "aliases are not taken"),
            ("a: 1\na: 2\n", "'a' is there twice"),
        ] {
            let fault = parse(text).expect_err(text);
            assert_eq!((fault.line, fault.why.as_str()), (text.lines().count().max(1), why));
        }
        for text in ["[".repeat(5_000), "{a: ".repeat(5_000), "- ".repeat(5_000)] {
            assert!(parse(&text).is_err());
        }
        assert!(parse(&"a".repeat(MAX_FILE + 1)).is_err());
    }
}
