//! Reads the built-in rules as YAML, once for all starts of the program: `OUT_DIR/NAME.nodes`.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use yaml::packed::{LIST, MAP, PLAIN, QUOTED};
use yaml::{Node, Value};

#[path = "src/yaml/mod.rs"]
#[allow(dead_code, reason = "the crate reads more of a tree")]
mod yaml;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=builtin");
    println!("cargo::rerun-if-changed=src/yaml");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    for file in fs::read_dir("builtin")? {
        let path = file?.path();
        let name = path.file_stem().ok_or("a file without a name")?;
        let read = yaml::parse(&fs::read_to_string(&path)?);
        let read =
            read.map_err(|fault| format!("{}:{}: {}", path.display(), fault.line, fault.why))?;
        fs::write(out.join(name).with_extension("nodes"), packed(&read))?;
    }
    Ok(())
}

/// Documents in the form of `yaml::packed`.
fn packed(documents: &[Node]) -> Vec<u8> {
    let mut bytes = Vec::new();
    number(documents.len(), &mut bytes);
    documents.iter().for_each(|node| put(node, &mut bytes));
    bytes
}

fn number(number: usize, bytes: &mut Vec<u8>) {
    // A file is shorter than 4 GiB (`MAX_FILE`), and so is all that is counted in it.
    bytes.extend_from_slice(&(number as u32).to_le_bytes());
}

fn head(line: usize, mark: u8, len: usize, bytes: &mut Vec<u8>) {
    number(line, bytes);
    bytes.push(mark);
    number(len, bytes);
}

fn put(node: &Node, bytes: &mut Vec<u8>) {
    match &node.value {
        Value::Scalar { text, plain } => {
            head(node.line, if *plain { PLAIN } else { QUOTED }, text.len(), bytes);
            bytes.extend_from_slice(text.as_bytes());
        }
        Value::List(items) => {
            head(node.line, LIST, items.len(), bytes);
            items.iter().for_each(|item| put(item, bytes));
        }
        Value::Map(entries) => {
            head(node.line, MAP, entries.len(), bytes);
            for (key, value) in entries {
                head(key.line, QUOTED, key.text.len(), bytes);
                bytes.extend_from_slice(key.text.as_bytes());
                put(value, bytes);
            }
        }
    }
}
