//! Values in conditions of our own form: words, wildcards, ranges, networks.

use std::net::IpAddr;

use crate::expr::{Expr, How, Matcher};
use crate::field::{Class, Field};
use crate::glob;

/// What `private` and the like stand for.
const NETWORKS: &[(&str, &[&str])] = &[
    ("loopback", &["127.0.0.0/8", "::1/128"]),
    ("private", &["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"]),
    ("link_local", &["169.254.0.0/16", "fe80::/10"]),
    ("multicast", &["224.0.0.0/4", "ff00::/8"]),
    ("unspecified", &["0.0.0.0/32", "::/128"]),
];

/// Reads one value of a condition on `field`.
pub(crate) fn value(field: Field, class: Class, text: &str) -> Result<Expr, String> {
    match class {
        Class::Number => {
            let (least, most) = range(text)?;
            Ok(Expr::Test(field, Matcher::Number { least, most }))
        }
        Class::Flag => match text {
            "true" | "yes" => Ok(Expr::Test(field, Matcher::Present)),
            "false" | "no" => Ok(Expr::Test(field, Matcher::Present).negated()),
            _ => Err(format!("'{text}' is neither true nor false")),
        },
        Class::Address => address(field, text),
        Class::Command => {
            Ok(Expr::Test(field, Matcher::Command(crate::command::Shape::parse(text)?)))
        }
        Class::Path => path(field, text),
        Class::Program if !text.contains('/') && !is_pattern(text) => {
            Ok(Expr::text(field, How::Name, false, text))
        }
        Class::Program if !text.contains('/') => {
            // A name with wildcards stands for the last component.
            wild(field, &format!("*/{text}"), false)
        }
        Class::Program => path(field, text),
        Class::Text => wild(field, text, true),
    }
}

/// A path: `~/` is any user's home, a last `/` all that is below, wildcards match `/` too.
fn path(field: Field, text: &str) -> Result<Expr, String> {
    if let Some(rest) = text.strip_prefix("~/") {
        if field != Field::Path {
            return Err("`~/` is for `path` only".to_owned());
        }
        return path(Field::HomePath, rest);
    }
    match text.strip_suffix('/') {
        Some(_) if !is_pattern(text) => Ok(Expr::text(field, How::Prefix, false, text)),
        Some(_) => wild(field, &format!("{text}*"), false),
        None => wild(field, text, false),
    }
}

fn wild(field: Field, text: &str, fold: bool) -> Result<Expr, String> {
    if text.contains(['[', '{']) && !fold {
        return glob::rich(text).map(|matcher| Expr::Test(field, matcher));
    }
    Ok(Expr::Test(field, glob::matcher(&glob::pieces(text), fold)))
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

/// An address, a network, or a word for some.
fn address(field: Field, text: &str) -> Result<Expr, String> {
    if text == "public" {
        let others = NETWORKS.iter().flat_map(|(_, all)| all.iter());
        let others = others.map(|one| network(field, one)).collect::<Result<_, _>>()?;
        return Ok(Expr::All(vec![
            Expr::Test(field, Matcher::Present),
            Expr::Any(others).negated(),
        ]));
    }
    if let Some((_, all)) = NETWORKS.iter().find(|(word, _)| *word == text) {
        return Ok(Expr::Any(all.iter().map(|one| network(field, one)).collect::<Result<_, _>>()?));
    }
    network(field, text)
}

/// A network or an address.
pub(crate) fn network(field: Field, text: &str) -> Result<Expr, String> {
    let wrong = || {
        format!(
            "'{text}' is no address, network, or one of private, public, loopback, link_local, multicast, unspecified"
        )
    };
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u32>().map_err(|_| wrong())?)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(width);
    if bits > width {
        return Err(wrong());
    }
    Ok(Expr::Test(field, Matcher::Network { address, bits }))
}

/// `4444`, `1000-2000`, `>=1024`, `50MiB`.
pub(crate) fn range(text: &str) -> Result<(u64, u64), String> {
    if let Some(rest) = text.strip_prefix(">=") {
        return Ok((number(rest)?, u64::MAX));
    }
    if let Some((least, most)) = text.split_once('-') {
        let (least, most) = (number(least)?, number(most)?);
        return if least <= most { Ok((least, most)) } else { Err(format!("'{text}' is empty")) };
    }
    let one = number(text)?;
    Ok((one, one))
}

/// A number, perhaps of bytes.
pub(crate) fn number(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text.get(digits.len()..).unwrap_or_default() {
        "" => 1,
        "KiB" | "k" => 1 << 10,
        "MiB" | "M" => 1 << 20,
        "GiB" | "G" => 1_u64 << 30,
        _ => return Err(format!("'{text}' is no number, or one with KiB, MiB, GiB")),
    };
    let number: u64 = digits.trim().parse().map_err(|_| format!("'{text}' is no number"))?;
    Ok(number.saturating_mul(unit))
}

/// A length of time: `30s`, `10m`, `2h`, `1d`, in nanoseconds.
pub(crate) fn duration(text: &str) -> Result<i64, String> {
    let wrong = || format!("'{text}' is no time like 30s, 10m, 2h, 1d");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let seconds: i64 = match text.get(digits.len()..).unwrap_or_default() {
        "s" | "" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let number: i64 = digits.parse().map_err(|_| wrong())?;
    if number <= 0 {
        Err(wrong())
    } else {
        Ok(number.saturating_mul(seconds).saturating_mul(1_000_000_000))
    }
}

/// A day, `2026-12-31`: the instant at which it is over, nanoseconds since 1970.
pub(crate) fn day(text: &str) -> Result<i64, String> {
    let wrong = || format!("'{text}' is no day like 2026-12-31");
    let mut parts = text.split('-').map(|part| part.parse::<i64>().ok());
    let (Some(Some(year)), Some(Some(month)), Some(Some(day)), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(wrong());
    };
    if !(1970..=2200).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return Err(wrong());
    }
    // Days from civil, Howard Hinnant.
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Ok((days + 1) * 86_400 * 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_are_read() {
        assert_eq!(day("1970-01-01"), Ok(86_400_000_000_000));
        assert_eq!(day("2026-11-21").map(|ns| ns / 1_000_000_000), Ok(1_795_305_600));
        assert!(day("2026-13-01").is_err() && day("tomorrow").is_err());
        assert_eq!(duration("10m"), Ok(600_000_000_000));
        assert!(duration("x").is_err() && duration("0s").is_err());
        assert_eq!(range("50MiB"), Ok((50 << 20, 50 << 20)));
        assert_eq!(range("1-9"), Ok((1, 9)));
        assert!(range("9-1").is_err());
    }
}
