//! Bytes in JSON: text, and base64 beside it where the text does not say it all.

use event::json::base64;

/// Returns `bytes` as text and, only when they are not UTF-8, in base64.
pub(crate) fn split(bytes: &[u8]) -> (String, Option<String>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), None),
        Err(_) => (String::from_utf8_lossy(bytes).into_owned(), Some(encoded(bytes))),
    }
}

/// Returns the bytes that [`split`] was given; base64 that is none is ignored.
pub(crate) fn join(text: &str, exact: Option<&str>) -> Vec<u8> {
    exact
        .and_then(|exact| base64::decode(exact.as_bytes()))
        .unwrap_or_else(|| text.as_bytes().to_vec())
}

/// [`split`] for lists: all items in base64 when any needs it.
pub(crate) fn split_list<'a>(
    items: impl Iterator<Item = &'a [u8]> + Clone,
) -> (Vec<String>, Option<Vec<String>>) {
    let texts = items.clone().map(|item| String::from_utf8_lossy(item).into_owned()).collect();
    let whole = items.clone().all(|item| std::str::from_utf8(item).is_ok());
    (texts, (!whole).then(|| items.map(encoded).collect()))
}

/// The other way of [`split_list`].
pub(crate) fn join_list(texts: &[String], exact: Option<&[String]>) -> Vec<Vec<u8>> {
    let decoded = exact.and_then(|items| {
        items.iter().map(|item| base64::decode(item.as_bytes())).collect::<Option<Vec<_>>>()
    });
    decoded.unwrap_or_else(|| texts.iter().map(|text| text.clone().into_bytes()).collect())
}

fn encoded(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    base64::encode(bytes, &mut out);
    // Its letters are ASCII.
    String::from_utf8(out).unwrap_or_default()
}
