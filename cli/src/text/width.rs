//! Columns that text takes on a terminal, and cutting it to fit.

use unicode_width::UnicodeWidthChar;

/// Stands for what was cut out.
const GAP: char = '…';

/// Returns the columns that `text` takes; counted by character, so joined emoji are overestimated.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(columns).sum()
}

fn columns(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// Returns `text` in at most `room` columns, its end cut off if it must be.
pub(crate) fn cut_end(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let mut cut = head(text, room.saturating_sub(1)).to_owned();
    cut.push(GAP);
    if room == 0 { String::new() } else { cut }
}

/// Returns `text` in at most `room` columns, its middle cut out if it must be.
///
/// The end gets more of the room: of a path it says more than the beginning.
pub(crate) fn cut_middle(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    if room == 0 {
        return String::new();
    }
    let front = (room - 1) / 3;
    let front = head(text, front);
    let back = tail(text, room - 1 - width(front));
    format!("{front}{GAP}{back}")
}

/// What stands between the two paths of a rename.
pub(crate) const ARROW: &str = " -> ";

/// Cuts a path, or both paths of a rename, so that it is seen which is which.
pub(crate) fn cut_paths(text: &str, room: usize) -> String {
    match text.split_once(ARROW) {
        Some((old, new)) if width(text) > room && room > 2 * ARROW.len() => {
            let half = (room - ARROW.len()) / 2;
            // What one does not need the other has.
            let old_room = half.max((room - ARROW.len()).saturating_sub(width(new)));
            let old = cut_middle(old, old_room);
            let new = cut_middle(new, room - ARROW.len() - width(&old));
            format!("{old}{ARROW}{new}")
        }
        _ => cut_middle(text, room),
    }
}

/// Returns `text` in lines of at most `room` columns, broken at spaces where there are some.
pub(crate) fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let mut rest = word;
        loop {
            let Some(line) = lines.last_mut() else { return lines };
            let gap = usize::from(!line.is_empty());
            if width(line) + gap + width(rest) <= room {
                line.push_str(if gap == 1 { " " } else { "" });
                line.push_str(rest);
                break;
            }
            if line.is_empty() {
                // Longer than a line: cut, but always by something.
                let first = rest.chars().next().map_or(0, char::len_utf8);
                let at = head(rest, room).len().max(first);
                let (here, later) = rest.split_at_checked(at).unwrap_or((rest, ""));
                line.push_str(here);
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
            lines.push(String::new());
        }
    }
    lines
}

/// The longest beginning of `text` of at most `room` columns.
fn head(text: &str, room: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, c)| {
        used += columns(*c);
        used > room
    });
    end.and_then(|(at, _)| text.get(..at)).unwrap_or(text)
}

/// The longest end of `text` of at most `room` columns.
fn tail(text: &str, room: usize) -> &str {
    let mut used = 0;
    let start = text.char_indices().rev().find(|(_, c)| {
        used += columns(*c);
        used > room
    });
    start.and_then(|(at, c)| text.get(at + c.len_utf8()..)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_fits_is_not_touched() {
        assert_eq!(cut_end("make test", 9), "make test");
        assert_eq!(cut_middle("/etc/hosts", 10), "/etc/hosts");
    }

    #[test]
    fn a_path_keeps_its_end() {
        assert_eq!(cut_middle("/home/ana/src/shop/src/cart.test.ts", 20), "/home/…/cart.test.ts");
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(width("日本"), 4);
        assert_eq!(cut_end("日本語", 4), "日…");
    }

    #[test]
    fn lines_break_at_spaces_and_in_words_that_are_too_long() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("", 7), [""]);
    }

    proptest! {
        #[test]
        fn wrapping_ends_and_loses_nothing(text in "\\PC{0,60}", room in 0usize..20) {
            let glued: String = wrap(&text, room).concat();
            let squeeze = |text: &str| text.replace(' ', "");
            prop_assert_eq!(squeeze(&glued), squeeze(&text));
        }

        #[test]
        fn a_cut_text_fits(text in "\\PC{0,60}", room in 0usize..40) {
            prop_assert!(width(&cut_end(&text, room)) <= room);
            prop_assert!(width(&cut_middle(&text, room)) <= room);
        }
    }
}
