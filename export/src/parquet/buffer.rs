//! The values of one column in the row group that is being filled.

use bytes::Bytes;
use parquet::{
    column::writer::ColumnWriter,
    data_type::ByteArray,
    errors::{ParquetError, Result},
};

use super::table::{Column, Kind};

/// Values and levels. Texts lie in one piece of memory, whatever their number.
#[derive(Debug)]
pub(super) struct Buffer {
    required: bool,
    is_list: bool,
    /// Numbers, days, times and flags.
    numbers: Vec<i64>,
    text: Vec<u8>,
    /// Where each text ends.
    ends: Vec<usize>,
    def: Vec<i16>,
    rep: Vec<i16>,
    /// The row has its value.
    filled: bool,
}

impl Buffer {
    pub(super) fn new(column: &Column) -> Buffer {
        Buffer {
            required: column.required,
            is_list: column.kind == Kind::Texts,
            numbers: Vec::new(),
            text: Vec::new(),
            ends: Vec::new(),
            def: Vec::new(),
            rep: Vec::new(),
            filled: false,
        }
    }

    /// Whether this row has its value.
    pub(super) fn is_filled(&self) -> bool {
        self.filled
    }

    pub(super) fn number(&mut self, value: i64) {
        self.numbers.push(value);
        self.mark();
    }

    pub(super) fn text(&mut self, value: &str) {
        self.push_text(value);
        self.mark();
    }

    /// A list, which may be empty.
    pub(super) fn texts<'t>(&mut self, values: impl Iterator<Item = &'t str>) {
        let mut rep = 0;
        for value in values {
            self.push_text(value);
            self.def.push(2);
            self.rep.push(rep);
            rep = 1;
        }
        if rep == 0 {
            self.def.push(1);
            self.rep.push(0);
        }
        self.filled = true;
    }

    /// Ends the row: without a value it is null. Returns false where there must be one.
    pub(super) fn end_row(&mut self) -> bool {
        let filled = std::mem::take(&mut self.filled);
        if !filled {
            self.def.push(0);
            if self.is_list {
                self.rep.push(0);
            }
        }
        filled || !self.required
    }

    /// Gives everything to `writer` and is empty after.
    pub(super) fn write(&mut self, writer: &mut ColumnWriter<'_>) -> Result<()> {
        let def = std::mem::take(&mut self.def);
        let rep = std::mem::take(&mut self.rep);
        let def = (!self.required).then_some(def.as_slice());
        let rep = self.is_list.then_some(rep.as_slice());
        match writer {
            ColumnWriter::Int64ColumnWriter(typed) => {
                let values = std::mem::take(&mut self.numbers);
                typed.write_batch(&values, def, rep)
            }
            ColumnWriter::Int32ColumnWriter(typed) => {
                // Days since 1970 of any year that a time in nanoseconds can have.
                let days = self.numbers.drain(..).map(|day| i32::try_from(day).unwrap_or(i32::MAX));
                let values: Vec<i32> = days.collect();
                typed.write_batch(&values, def, rep)
            }
            ColumnWriter::BoolColumnWriter(typed) => {
                let values: Vec<bool> = self.numbers.drain(..).map(|flag| flag != 0).collect();
                typed.write_batch(&values, def, rep)
            }
            ColumnWriter::ByteArrayColumnWriter(typed) => {
                let values: Vec<ByteArray> = self.take_texts().collect();
                typed.write_batch(&values, def, rep)
            }
            _ => return Err(ParquetError::General("a column of another type".to_owned())),
        }?;
        Ok(())
    }

    fn mark(&mut self) {
        self.filled = true;
        self.def.push(1);
    }

    fn push_text(&mut self, value: &str) {
        self.text.extend_from_slice(value.as_bytes());
        self.ends.push(self.text.len());
    }

    fn take_texts(&mut self) -> impl Iterator<Item = ByteArray> + use<> {
        let text = Bytes::from(std::mem::take(&mut self.text));
        let mut from = 0;
        std::mem::take(&mut self.ends).into_iter().map(move |end| {
            let one = text.slice(from..end);
            from = end;
            ByteArray::from(one)
        })
    }
}
