//! The texts that are looked for where a value is encoded, and what they are compared as.

use super::modifiers::{Compare, Modifiers, Utf16};
use crate::expr::{Expr, Matcher};
use crate::field::Field;
use crate::glob::{self, Piece};

/// A text, under `base64`, `utf16` and the like; with wildcards where it is not encoded.
pub(super) fn text(field: Field, text: &str, modifiers: &Modifiers) -> Expr {
    if modifiers.base64 || modifiers.offsets {
        let forms = encoded(text, modifiers).into_iter();
        // The case of letters is part of what is encoded.
        let each = forms.map(|form| test(field, vec![Piece::Literal(form)], modifiers, true));
        return Expr::any(each.collect());
    }
    let mut pieces = glob::pieces(text);
    if modifiers.dashes {
        pieces = glob::any_dash(pieces);
    }
    test(field, pieces, modifiers, modifiers.cased)
}

fn test(field: Field, mut pieces: Vec<Piece>, modifiers: &Modifiers, cased: bool) -> Expr {
    if modifiers.before && pieces.first() != Some(&Piece::Many) {
        pieces.insert(0, Piece::Many);
    }
    if modifiers.after && pieces.last() != Some(&Piece::Many) {
        pieces.push(Piece::Many);
    }
    Expr::Test(field, glob::matcher(&pieces, !cased))
}

fn encoded(text: &str, modifiers: &Modifiers) -> Vec<String> {
    let wide = |unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect();
    let bytes: Vec<u8> = match modifiers.utf16 {
        None => text.as_bytes().to_vec(),
        Some(Utf16::Little) => wide(u16::to_le_bytes),
        Some(Utf16::Big) => wide(u16::to_be_bytes),
        Some(Utf16::Marked) => [vec![0xff, 0xfe], wide(u16::to_le_bytes)].concat(),
    };
    if modifiers.offsets { offsets(&bytes).to_vec() } else { vec![base64(&bytes)] }
}

fn base64(bytes: &[u8]) -> String {
    let mut out = Vec::new();
    event::json::base64::encode(bytes, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// As it looks 0, 1 and 2 bytes into a group of three, without what neighbours change.
fn offsets(bytes: &[u8]) -> [String; 3] {
    [(0, 0), (1, 2), (2, 3)].map(|(shift, skip)| {
        let padded = [vec![b' '; shift], bytes.to_vec()].concat();
        let text = base64(&padded);
        let end = match padded.len() % 3 {
            0 => text.len(),
            1 => text.len() - 3,
            _ => text.len() - 2,
        };
        text.get(skip..end).unwrap_or_default().to_owned()
    })
}

/// The range of a number that is compared; without one where none is so. Ours are whole and not
/// below zero, those of rules need not be.
pub(super) fn number(compare: Option<Compare>, text: &str) -> Option<Matcher> {
    let number: f64 = text.trim().parse().ok().filter(|it: &f64| it.is_finite())?;
    let (down, up) = match text.trim().parse::<i128>() {
        Ok(whole) => (whole, whole),
        Err(_) => (number.floor() as i128, number.ceil() as i128),
    };
    let (least, most) = match compare {
        Some(Compare::More) => (down + 1, i128::MAX),
        Some(Compare::AtLeast) => (up, i128::MAX),
        Some(Compare::Less) => (0, up - 1),
        Some(Compare::AtMost) => (0, down),
        None => (up, down),
    };
    let (least, most) = (least.max(0), most.min(u64::MAX.into()));
    match (u64::try_from(least), u64::try_from(most)) {
        (Ok(least), Ok(most)) => Some(Matcher::Number { least, most }),
        // None is so: a range that nothing is in.
        _ => Some(Matcher::Number { least: 1, most: 0 }),
    }
}
