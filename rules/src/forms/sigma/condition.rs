//! Conditions of Sigma: `selection and not 1 of filter_*`.

use crate::expr::Expr;
use crate::glob;

/// Deepest nesting of parentheses and `not`.
const DEPTH: usize = 32;

/// Reads a condition over the searches `parts`.
pub(super) fn parse(text: &str, parts: &[(&str, Expr)]) -> Result<Expr, String> {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let mut parser = Parser { words: spaced.split_whitespace().collect(), at: 0, parts, depth: 0 };
    let expr = parser.either()?;
    match parser.words.get(parser.at) {
        None => Ok(expr),
        Some(word) => Err(format!("'{word}' is not expected there")),
    }
}

struct Parser<'c> {
    words: Vec<&'c str>,
    at: usize,
    parts: &'c [(&'c str, Expr)],
    depth: usize,
}

impl<'c> Parser<'c> {
    fn next_is(&mut self, word: &str) -> bool {
        let is = self.words.get(self.at).is_some_and(|next| next.eq_ignore_ascii_case(word));
        self.at += usize::from(is);
        is
    }

    fn either(&mut self) -> Result<Expr, String> {
        let mut any = vec![self.both()?];
        while self.next_is("or") {
            any.push(self.both()?);
        }
        Ok(Expr::any(any))
    }

    fn both(&mut self) -> Result<Expr, String> {
        let mut all = vec![self.one()?];
        while self.next_is("and") {
            all.push(self.one()?);
        }
        Ok(Expr::all(all))
    }

    fn one(&mut self) -> Result<Expr, String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(format!("nested deeper than {DEPTH}"));
        }
        let expr = if self.next_is("not") {
            self.one()?.negated()
        } else if self.next_is("(") {
            let inner = self.either()?;
            if !self.next_is(")") {
                return Err("a parenthesis is not closed".to_owned());
            }
            inner
        } else {
            self.name()?
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn name(&mut self) -> Result<Expr, String> {
        let word = *self.words.get(self.at).ok_or("something is missing at the end")?;
        self.at += 1;
        let many = self.words.get(self.at).is_some_and(|next| next.eq_ignore_ascii_case("of"));
        if !many {
            let part = self.parts.iter().find(|(name, _)| *name == word);
            return part
                .map(|(_, expr)| expr.clone())
                .ok_or_else(|| format!("there is no search '{word}'"));
        }
        self.at += 1;
        let pattern = *self.words.get(self.at).ok_or("`of` what?")?;
        self.at += 1;
        let fits = |name: &str| match pattern {
            "them" => !name.starts_with('_'),
            _ => glob::fits(pattern, name),
        };
        let chosen: Vec<Expr> =
            self.parts.iter().filter(|(name, _)| fits(name)).map(|(_, e)| e.clone()).collect();
        if chosen.is_empty() {
            return Err(format!("no search is called '{pattern}'"));
        }
        match word.to_ascii_lowercase().as_str() {
            "1" | "any" => Ok(Expr::any(chosen)),
            "all" => Ok(Expr::all(chosen)),
            other => Err(format!("'{other} of' is not known, but 1, any and all")),
        }
    }
}
