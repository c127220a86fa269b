//! The modifiers of a field: what is done with its values, and which of them go together.

use super::super::Why;
use crate::field::Part;

/// The modifiers that compare numbers.
const COMPARE: &str = "gt, gte, lt, lte";

/// What modifiers make of values.
#[derive(Debug, Default, Clone)]
pub(super) struct Modifiers {
    pub(super) before: bool,
    pub(super) after: bool,
    pub(super) all: bool,
    pub(super) cased: bool,
    pub(super) dashes: bool,
    pub(super) negated: bool,
    pub(super) utf16: Option<Utf16>,
    pub(super) base64: bool,
    pub(super) offsets: bool,
    pub(super) regex: Option<String>,
    pub(super) cidr: bool,
    pub(super) exists: bool,
    pub(super) compare: Option<Compare>,
    /// A part of a date.
    pub(super) part: Option<Part>,
    /// The value has placeholders.
    pub(super) expand: bool,
    /// The value is the name of another field.
    pub(super) field: bool,
}

/// How characters of 16 bits are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Utf16 {
    Little,
    Big,
    /// Little, after a byte order mark.
    Marked,
}

/// How a number is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compare {
    Less,
    AtMost,
    AtLeast,
    More,
}

impl Modifiers {
    pub(super) fn read<'w>(words: impl Iterator<Item = &'w str>) -> Result<Modifiers, Why> {
        let mut read = Modifiers::default();
        for word in words {
            match word {
                "contains" => (read.before, read.after) = (true, true),
                "startswith" => read.after = true,
                "endswith" => read.before = true,
                "all" => read.all = true,
                "cased" => read.cased = true,
                "windash" => read.dashes = true,
                "neq" => read.negated = true,
                "wide" | "utf16le" => read.utf16 = Some(Utf16::Little),
                "utf16be" => read.utf16 = Some(Utf16::Big),
                "utf16" => read.utf16 = Some(Utf16::Marked),
                "base64" => read.base64 = true,
                "base64offset" => read.offsets = true,
                "re" => read.regex = Some(String::new()),
                "i" | "m" | "s" => match &mut read.regex {
                    Some(flags) => flags.push_str(word),
                    None => return Err(format!("the modifier '{word}' goes with `re`").into()),
                },
                "cidr" => read.cidr = true,
                "exists" => read.exists = true,
                "gt" => read.compare = Some(Compare::More),
                "gte" => read.compare = Some(Compare::AtLeast),
                "lt" => read.compare = Some(Compare::Less),
                "lte" => read.compare = Some(Compare::AtMost),
                "minute" => read.part = Some(Part::Minute),
                "hour" => read.part = Some(Part::Hour),
                "day" => read.part = Some(Part::Day),
                "week" => read.part = Some(Part::Week),
                "month" => read.part = Some(Part::Month),
                "year" => read.part = Some(Part::Year),
                "fieldref" => read.field = true,
                "expand" => read.expand = true,
                other => return Err(format!("the modifier '{other}' is not evaluated").into()),
            }
        }
        read.sound()
    }

    /// The same, of what is inside of a value.
    pub(super) fn inside(&self) -> Modifiers {
        Modifiers { before: true, after: true, ..self.clone() }
    }

    /// Refuses modifiers that say nothing together, and those that no value of ours can meet.
    fn sound(self) -> Result<Modifiers, Why> {
        let encoded = self.base64 || self.offsets;
        let kinds = [
            ("re", self.regex.is_some()),
            ("cidr", self.cidr),
            ("exists", self.exists),
            (COMPARE, self.compare.is_some()),
            ("fieldref", self.field),
            ("base64, base64offset", encoded),
        ];
        let mut chosen = kinds.iter().filter(|(_, is)| *is).map(|(name, _)| *name);
        if let (Some(one), Some(other)) = (chosen.next(), chosen.next()) {
            return Err(format!("the modifiers `{one}` and `{other}` do not go together").into());
        }
        let others = kinds.iter().any(|(name, is)| *is && *name != COMPARE);
        if self.part.is_some() && (others || self.before || self.after || self.dashes) {
            return Err("a part of a date is compared with numbers".to_owned().into());
        }
        if self.dashes && kinds.iter().any(|(_, is)| *is) {
            return Err("the modifier 'windash' goes with plain text only".to_owned().into());
        }
        if self.utf16.is_some() && !encoded {
            let why = "text of 16 bits a character has NUL bytes, which no argument, path or name \
                       can have: it is evaluated under base64 and base64offset only";
            return Err(why.to_owned().into());
        }
        Ok(self)
    }
}
