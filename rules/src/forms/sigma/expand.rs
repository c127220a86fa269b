//! Placeholders in values: `%name%` is each of the values that a file of rules gives it.

use super::Why;
use crate::forms::Placeholders;

/// Values that one value may become.
const MOST: usize = 10_000;

/// Bytes that they may have together.
const MOST_BYTES: usize = 1 << 20;

/// Reads a value with placeholders; a backslash before `%` takes away its meaning.
pub(super) fn expand(text: &str, values: &Placeholders) -> Result<Vec<String>, Why> {
    let mut all = vec![String::new()];
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (before, after) = (rest.get(..at), rest.get(at + 1..).unwrap_or_default());
        let before = before.unwrap_or_default();
        if let Some(before) = before.strip_suffix('\\') {
            put(&mut all, &[format!("{before}%")])?;
            rest = after;
            continue;
        }
        let name = after.split_once('%').filter(|(name, _)| is_name(name));
        let Some((name, after)) = name else {
            put(&mut all, &[format!("{before}%")])?;
            rest = after;
            continue;
        };
        let Some(known) = values.get(name) else {
            let why = format!("nobody says what %{name}% is: `values:` in a file of rules does");
            return Err(why.into());
        };
        put(&mut all, &[before.to_owned()])?;
        put(&mut all, known)?;
        rest = after;
    }
    put(&mut all, &[rest.to_owned()])?;
    Ok(all)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// Puts each of `ends` after each of `all`.
fn put(all: &mut Vec<String>, ends: &[String]) -> Result<(), Why> {
    let bytes = |texts: &[String]| texts.iter().map(String::len).sum::<usize>();
    let made = bytes(all).saturating_mul(ends.len());
    let made = made.saturating_add(bytes(ends).saturating_mul(all.len()));
    if all.len().saturating_mul(ends.len()) > MOST || made > MOST_BYTES {
        return Err(
            format!("its placeholders make more than {MOST} values, or too long ones").into()
        );
    }
    *all =
        all.iter().flat_map(|begin| ends.iter().map(move |end| format!("{begin}{end}"))).collect();
    Ok(())
}
