//! A rule's conditions as a tree, before they are compiled.

use std::net::IpAddr;

use crate::{command::Shape, field::Field, glob::Wild};

/// Conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expr {
    /// All of them hold; of none, true.
    All(Vec<Expr>),
    /// One of them holds; of none, false.
    Any(Vec<Expr>),
    /// It does not hold.
    Not(Box<Expr>),
    /// The event is one of these (a bit for each type and operation).
    Things(u64),
    /// A value of the field is so.
    Test(Field, Matcher),
}

/// What a value must be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Matcher {
    /// A text, compared somehow.
    Text { how: How, fold: bool, text: Vec<u8> },
    /// A regular expression over bytes, and a literal that every match holds, if one is known.
    Regex { pattern: String, needs: Vec<u8> },
    /// A text with anything at some places.
    Wild(Wild),
    /// A number in a range.
    Number { least: u64, most: u64 },
    /// An address in a network.
    Network { address: IpAddr, bits: u32 },
    /// There is a value (for a flag: it is true).
    Present,
    /// A command line of this shape.
    Command(Shape),
    /// Compared with a value of another field of the same event.
    Same { how: How, fold: bool, other: Field },
}

/// How a text is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum How {
    Equals,
    Prefix,
    Suffix,
    Contains,
    /// Equal to the last component of a path.
    Name,
}

impl Expr {
    /// A text condition.
    pub(crate) fn text(field: Field, how: How, fold: bool, text: impl Into<Vec<u8>>) -> Expr {
        Expr::Test(field, Matcher::Text { how, fold, text: text.into() })
    }

    /// All of them, without needless layers.
    pub(crate) fn all(mut list: Vec<Expr>) -> Expr {
        if list.len() == 1 { list.remove(0) } else { Expr::All(list) }
    }

    /// One of them, without needless layers.
    pub(crate) fn any(mut list: Vec<Expr>) -> Expr {
        if list.len() == 1 { list.remove(0) } else { Expr::Any(list) }
    }

    /// It does not hold.
    pub(crate) fn negated(self) -> Expr {
        Expr::Not(Box::new(self))
    }

    /// The things for which it can hold.
    pub(crate) fn things(&self) -> u64 {
        match self {
            Expr::All(list) => list.iter().fold(u64::MAX, |all, one| all & one.things()),
            Expr::Any(list) => list.iter().fold(0, |all, one| all | one.things()),
            Expr::Not(inner) => match **inner {
                Expr::Things(things) => !things,
                _ => u64::MAX,
            },
            Expr::Things(things) => *things,
            Expr::Test(field, Matcher::Same { other, .. }) => field.things() & other.things(),
            Expr::Test(field, _) => field.things(),
        }
    }
}
