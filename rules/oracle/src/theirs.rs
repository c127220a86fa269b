//! What happened as the records of logs, and the engine that reads them.

use std::collections::BTreeSet;

use rsigma_eval::{
    CorrelationConfig, CorrelationEngine, Engine, EvaluationResult, JsonEvent, ProcessResultExt,
};
use rsigma_parser::{LogSource, parse_sigma_yaml};
use serde_json::{Value, json};

use crate::happening::{BEGIN, FileDeed, Happening, Kind};

/// The other engine, with its rules.
pub struct Theirs {
    single: Engine,
    following: CorrelationEngine,
}

impl Theirs {
    /// Loads rules; those whose id is in `without` are left out.
    ///
    /// # Panics
    /// When a rule cannot be read or compiled.
    #[must_use]
    pub fn load(texts: &[String], without: &BTreeSet<String>) -> Theirs {
        let config = CorrelationConfig { emit_detections: true, ..CorrelationConfig::default() };
        let mut theirs =
            Theirs { single: Engine::new(), following: CorrelationEngine::new(config) };
        let mut whole = rsigma_parser::SigmaCollection::new();
        for text in texts {
            let read = parse_sigma_yaml(text).expect("it is YAML");
            assert_eq!(read.errors, Vec::<String>::new(), "{text}");
            whole.rules.extend(read.rules);
            whole.correlations.extend(read.correlations);
            whole.filters.extend(read.filters);
        }
        whole.rules.retain(|rule| rule.id.as_ref().is_none_or(|id| !without.contains(id)));
        theirs.single.add_collection(&whole).expect("they compile");
        theirs.following.add_collection(&whole).expect("they compile");
        theirs
    }

    /// Ids of the rules that hold for one of the records of what happened.
    #[must_use]
    pub fn hold(&self, happening: &Happening) -> BTreeSet<String> {
        let records = records(happening);
        let found = records.iter().flat_map(|(source, record)| {
            self.single.evaluate_with_logsource(&JsonEvent::borrow(record), source)
        });
        found.filter_map(|result| id(&result)).collect()
    }

    /// Ids of the correlations that hold now, in a stream. The first record alone is looked at: rules
    /// of correlations here have one source.
    pub fn follow(&mut self, happening: &Happening) -> BTreeSet<String> {
        let Some((_, record)) = records(happening).into_iter().next() else {
            return BTreeSet::new();
        };
        let found = self.following.process_event_at(&JsonEvent::borrow(&record), happening.at);
        found.correlations().filter_map(id).collect()
    }
}

fn id(result: &EvaluationResult) -> Option<String> {
    result.header.rule_id.clone()
}

fn source(category: Option<&str>, service: Option<&str>) -> LogSource {
    LogSource {
        category: category.map(str::to_owned),
        product: Some("linux".to_owned()),
        service: service.map(str::to_owned),
        ..LogSource::default()
    }
}

/// The records that logs would have of it, each with its source.
fn records(happening: &Happening) -> Vec<(LogSource, Value)> {
    let plain = || {
        let fields = happening.fields.iter().map(|(name, value)| {
            let number =
                ["ProcessId", "DestinationPort"].contains(name).then(|| value.parse().ok());
            let value = number.flatten().map_or_else(|| json!(value), |it: u64| json!(it));
            ((*name).to_owned(), value)
        });
        let time = ("UtcTime".to_owned(), json!(BEGIN + happening.at));
        Value::Object(fields.chain([time]).collect())
    };
    let of = |category: &str| (source(Some(category), None), plain());
    let audit = |record: Value| (source(None, Some("auditd")), record);
    match happening.kind {
        Kind::Exec => {
            let exe = happening.get("Image").unwrap_or_default();
            let comm: String =
                exe.rsplit('/').next().unwrap_or_default().chars().take(15).collect();
            let mut execve = json!({"type": "EXECVE"});
            for (at, word) in
                happening.get("CommandLine").unwrap_or_default().split(' ').enumerate()
            {
                execve[format!("a{at}")] = json!(word);
            }
            let pid: u64 = happening.get("ProcessId").and_then(|it| it.parse().ok()).unwrap_or(0);
            let call = json!({
                "type": "SYSCALL", "SYSCALL": "execve", "exe": exe, "comm": comm, "pid": pid,
            });
            vec![of("process_creation"), audit(execve), audit(call)]
        }
        Kind::File(deed) => {
            let name = happening.get("TargetFilename").unwrap_or_default();
            let (category, nametype) = match deed {
                FileDeed::Create => ("file_event", "CREATE"),
                FileDeed::Read => ("file_access", "NORMAL"),
                FileDeed::Delete => ("file_delete", "DELETE"),
            };
            let path = json!({"type": "PATH", "name": name, "nametype": nametype});
            vec![of(category), audit(path)]
        }
        Kind::Connect => {
            let (source, mut record) = of("network_connection");
            record["Initiated"] = json!("true");
            vec![(source, record)]
        }
        Kind::Ask => vec![of("dns")],
    }
}
