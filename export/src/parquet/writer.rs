//! The file: schema, row groups, what is said of the file as a whole.

use std::{io, sync::Arc};

use parquet::{
    basic::{
        Compression, ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel,
    },
    file::{
        metadata::KeyValue, properties::WriterProperties, properties::WriterVersion,
        writer::SerializedFileWriter,
    },
    schema::types::{Type, TypePtr},
};
use serde_json::{Map, Value};

use super::{
    buffer::Buffer,
    line::Roads,
    table::{COLUMNS, Column, Kind, VERSION, position},
};
use crate::{
    Event, Run,
    format::{Output, Writer},
    place::day,
};

/// Name of what says the version of the columns, in the metadata of the file.
const KEY: &str = "audit.schema";
/// Name of what was hidden of the runs in the file, by run; where nothing was it is not there.
const KEY_REDACTION: &str = "audit.redaction";

/// A row group is written when it has this many rows: a DuckDB thread reads one at a time, and 120,000
/// is what its own writer makes.
const GROUP_ROWS: usize = 120_000;
/// Or this many bytes before encoding, which is what bounds the memory of a writer.
const GROUP_BYTES: usize = 48 << 20;
/// zstd's own default: higher levels cost several times the time for some percent.
const ZSTD: i32 = 3;

struct Columns {
    file: File,
    roads: Roads,
    /// Columns that are alike in all rows of the run, with what they hold.
    of_run: Vec<(usize, String)>,
    /// The day of the run, and its column.
    day: (usize, i64),
    row: Vec<Buffer>,
    /// Scratch: the column `more` of a row.
    more: Vec<u8>,
    rows: usize,
    bytes: usize,
    redactions: Map<String, Value>,
}

/// The file: its first bytes are written with the first run, as opening cannot fail.
enum File {
    Unopened(Output),
    Open(SerializedFileWriter<Output>),
    /// Between the two, and for ever where opening failed.
    Failed,
}

pub(crate) fn open(out: Output) -> Box<dyn Writer> {
    Box::new(Columns {
        file: File::Unopened(out),
        roads: Roads::new(),
        of_run: Vec::new(),
        day: (0, 0),
        row: COLUMNS.iter().map(Buffer::new).collect(),
        more: Vec::new(),
        rows: 0,
        bytes: 0,
        redactions: Map::new(),
    })
}

impl File {
    fn opened(&mut self) -> io::Result<&mut SerializedFileWriter<Output>> {
        *self = match std::mem::replace(self, File::Failed) {
            File::Unopened(out) => {
                File::Open(SerializedFileWriter::new(out, schema()?, properties()?)?)
            }
            other => other,
        };
        match self {
            File::Open(file) => Ok(file),
            _ => Err(io::Error::other("the file could not be begun")),
        }
    }
}

fn properties() -> io::Result<Arc<WriterProperties>> {
    let said = KeyValue::new(KEY.to_owned(), VERSION.to_string());
    let properties = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD)?))
        .set_created_by(format!("audit-run version {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some(vec![said]));
    Ok(Arc::new(properties.build()))
}

impl Writer for Columns {
    fn run(&mut self, run: &Run) -> io::Result<()> {
        let missing = || io::Error::other("a column of the run is not in the table");
        self.day = (position("date").ok_or_else(missing)?, day(run.text("started")));
        self.of_run.clear();
        let texts = ["host", "name", "user"].map(|name| (name, run.text(name)));
        for (name, value) in [("run", run.id.as_str())].into_iter().chain(texts) {
            if !value.is_empty() {
                self.of_run.push((position(name).ok_or_else(missing)?, value.to_owned()));
            }
        }
        if let Some(told) = &run.redaction {
            self.redactions.insert(run.id.clone(), told.clone());
        }
        Ok(())
    }

    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        let of_run = self.fill_of_run();
        let taken = self.roads.take(event.line, &mut self.row, &mut self.more);
        // Every column ends its row, so that all are of one length whatever came.
        let mut whole = true;
        for column in &mut self.row {
            whole &= column.end_row();
        }
        if !(of_run && taken && whole) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a line is no event"));
        }
        self.rows += 1;
        self.bytes += event.line.len();
        if self.rows >= GROUP_ROWS || self.bytes >= GROUP_BYTES {
            self.write_group()?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        if self.rows > 0 {
            self.write_group()?;
        }
        let file = self.file.opened()?;
        if !self.redactions.is_empty() {
            let told = Value::from(std::mem::take(&mut self.redactions)).to_string();
            file.append_key_value_metadata(KeyValue::new(KEY_REDACTION.to_owned(), told));
        }
        match self.file {
            File::Open(file) => file.into_inner()?.flush(),
            _ => Ok(()),
        }
    }
}

impl Columns {
    /// Fills the columns that are alike in all rows. Returns false where one is not in the table.
    fn fill_of_run(&mut self) -> bool {
        for (at, value) in &self.of_run {
            let Some(buffer) = self.row.get_mut(*at) else { return false };
            buffer.text(value);
        }
        let (at, day) = self.day;
        self.row.get_mut(at).map(|buffer| buffer.number(day)).is_some()
    }

    fn write_group(&mut self) -> io::Result<()> {
        let mut group = self.file.opened()?.next_row_group()?;
        for column in &mut self.row {
            let Some(mut writer) = group.next_column()? else { break };
            column.write(writer.untyped())?;
            writer.close()?;
        }
        group.close()?;
        self.rows = 0;
        self.bytes = 0;
        Ok(())
    }
}

fn schema() -> Result<TypePtr, parquet::errors::ParquetError> {
    let columns = COLUMNS.iter().map(column_type).collect::<Result<Vec<TypePtr>, _>>()?;
    Ok(Arc::new(Type::group_type_builder("event").with_fields(columns).build()?))
}

fn column_type(column: &Column) -> Result<TypePtr, parquet::errors::ParquetError> {
    let repetition = if column.required { Repetition::REQUIRED } else { Repetition::OPTIONAL };
    let plain = |physical, logical: Option<LogicalType>| {
        Type::primitive_type_builder(column.name, physical)
            .with_repetition(repetition)
            .with_logical_type(logical)
            .build()
    };
    let whole = match column.kind {
        Kind::Text => plain(Physical::BYTE_ARRAY, Some(LogicalType::String))?,
        Kind::Int => plain(Physical::INT64, None)?,
        Kind::Bool => plain(Physical::BOOLEAN, None)?,
        Kind::Day => plain(Physical::INT32, Some(LogicalType::Date))?,
        Kind::Time => {
            let unit = TimeUnit::NANOS;
            plain(Physical::INT64, Some(LogicalType::timestamp(true, unit)))?
        }
        Kind::Texts => texts_type(column.name, repetition)?,
    };
    Ok(Arc::new(whole))
}

/// `optional group NAME (LIST) { repeated group list { required binary element (STRING) } }`
fn texts_type(name: &str, repetition: Repetition) -> Result<Type, parquet::errors::ParquetError> {
    let element = Type::primitive_type_builder("element", Physical::BYTE_ARRAY)
        .with_repetition(Repetition::REQUIRED)
        .with_logical_type(Some(LogicalType::String))
        .build()?;
    let list = Type::group_type_builder("list")
        .with_repetition(Repetition::REPEATED)
        .with_fields(vec![Arc::new(element)])
        .build()?;
    Type::group_type_builder(name)
        .with_repetition(repetition)
        .with_logical_type(Some(LogicalType::List))
        .with_converted_type(ConvertedType::LIST)
        .with_fields(vec![Arc::new(list)])
        .build()
}
