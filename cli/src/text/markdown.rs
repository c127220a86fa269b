//! Text of others in Markdown: nothing in it is markup, a link or HTML.

/// Returns text, already safe for a terminal, as it stands in a paragraph.
pub(crate) fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // `@` would call people, `#` and `!` issues and pictures, a colon makes a bare link.
            '@' => out.push_str("&#64;"),
            ':' => out.push_str("&#58;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '(' | ')' | '#' | '!' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

/// Returns text, already safe for a terminal, as code.
pub(crate) fn code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // A table's cell ends at a bar, in code too.
    format!("{fence} {} {fence}", text.replace('|', "¦"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts() {
        assert_eq!(markdown("a <b> @x [y](z)"), "a &lt;b&gt; &#64;x \\[y\\]\\(z\\)");
        assert_eq!(code("a `` b"), "``` a `` b ```");
        assert_eq!(code("x|y"), "` x¦y `");
    }
}
