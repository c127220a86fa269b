//! Enough of a BTF reader for structures and enums (Documentation/bpf/btf.rst).

use object::{Object, ObjectSection};

const STRUCT: u32 = 4;
const ENUM: u32 = 6;

pub(crate) struct Structure {
    name: String,
    pub(crate) size: usize,
    /// Name and offset in bytes.
    pub(crate) fields: Vec<(String, usize)>,
}

pub(crate) struct Btf {
    structures: Vec<Structure>,
    enums: Vec<(String, Vec<(String, i64)>)>,
}

/// The bytes of one section, read front to back.
struct Reader<'a> {
    bytes: &'a [u8],
    strings: &'a [u8],
}

impl Reader<'_> {
    fn word(&mut self) -> u32 {
        let (word, rest) = self.bytes.split_first_chunk().expect("a word");
        self.bytes = rest;
        u32::from_ne_bytes(*word)
    }

    fn name(&mut self) -> String {
        let at = self.word() as usize;
        let end = self.strings[at..].iter().position(|b| *b == 0).expect("NUL") + at;
        String::from_utf8_lossy(&self.strings[at..end]).into_owned()
    }

    fn skip(&mut self, words: u32) {
        for _ in 0..words {
            self.word();
        }
    }
}

impl Btf {
    pub(crate) fn of(object: &[u8]) -> Btf {
        let file = object::File::parse(object).expect("an ELF file");
        let section = file.section_by_name(".BTF").expect("a .BTF section");
        let data = section.data().expect("its bytes");
        let mut head = Reader { bytes: data, strings: &[] };
        assert_eq!(head.word() & 0xffff, 0xeb9f, "the magic number");
        let length = head.word() as usize;
        let [types, types_len, strings, strings_len] = [(); 4].map(|()| head.word() as usize);
        let part = |at: usize, len: usize| &data[length + at..length + at + len];
        let mut reader =
            Reader { bytes: part(types, types_len), strings: part(strings, strings_len) };
        let mut btf = Btf { structures: Vec::new(), enums: Vec::new() };
        while !reader.bytes.is_empty() {
            btf.read_type(&mut reader);
        }
        btf
    }

    fn read_type(&mut self, reader: &mut Reader<'_>) {
        let name = reader.name();
        let info = reader.word();
        let size = reader.word() as usize;
        let (kind, count) = (info >> 24 & 0x1f, info & 0xffff);
        match kind {
            STRUCT => {
                // With bit fields (bit 31 of info) the upper 8 bits of an offset are their size.
                let mask = if info >> 31 == 1 { 0xff_ffff } else { u32::MAX };
                let fields = (0..count).map(|_| read_field(reader, mask)).collect();
                self.structures.push(Structure { name, size, fields });
            }
            ENUM => {
                let values = (0..count).map(|_| read_value(reader)).collect();
                self.enums.push((name, values));
            }
            _ => reader.skip(words_after(kind, count)),
        }
    }

    pub(crate) fn structure(&self, name: &str) -> Option<&Structure> {
        self.structures.iter().find(|structure| structure.name == name)
    }

    pub(crate) fn enumeration(&self, name: &str) -> Option<Vec<(String, i64)>> {
        self.enums.iter().find(|(own, _)| own == name).map(|(_, values)| values.clone())
    }
}

fn read_field(reader: &mut Reader<'_>, mask: u32) -> (String, usize) {
    let name = reader.name();
    reader.word();
    (name, (reader.word() & mask) as usize / 8)
}

fn read_value(reader: &mut Reader<'_>) -> (String, i64) {
    let name = reader.name();
    (name, i64::from(reader.word().cast_signed()))
}

/// Returns how many words follow the three that every type has.
fn words_after(kind: u32, count: u32) -> u32 {
    match kind {
        1 | 14 | 17 => 1,          // INT, VAR, DECL_TAG
        3 => 3,                    // ARRAY
        5 | 15 | 19 => count * 3,  // UNION, DATASEC, ENUM64
        13 => count * 2,           // FUNC_PROTO
        2 | 7..=12 | 16 | 18 => 0, // PTR, FWD, TYPEDEF, qualifiers, FUNC, FLOAT, TYPE_TAG
        other => panic!("unknown BTF kind {other}"),
    }
}
