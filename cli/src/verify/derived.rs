//! Whether what is derived is what the segments tell: everything is derived once more and compared.

use storage::{Comparison, Consumed, Finding, Meta, RunDir, Tail, Weight};

use crate::{
    derive,
    failure::Failure,
    pipeline::{self, DERIVATION, Pipeline},
    ruling,
};

/// What the comparison gave.
pub(super) struct Derived {
    pub(super) compared: bool,
    pub(super) findings: Vec<Finding>,
}

impl Derived {
    fn not(why: &str) -> Derived {
        let finding = Finding::new(Weight::Note, why);
        Derived { compared: false, findings: vec![finding] }
    }
}

pub(super) fn compare(run: &RunDir, consumed: &Consumed) -> Result<Derived, Failure> {
    if !consumed.damage.is_empty() {
        return Ok(Derived::not("what is derived is not compared: the segments are damaged"));
    }
    let meta = match run.meta() {
        Ok(Some(meta)) => meta,
        Ok(None) => return Ok(Derived::not("nothing is derived yet")),
        Err(why) => {
            let finding = Finding::new(Weight::Altered, Failure::of(&why).message());
            return Ok(Derived { compared: true, findings: vec![finding.of("meta.json")] });
        }
    };
    if meta.derived_from.derivation != DERIVATION {
        return Ok(Derived::not("what is derived is not compared: another version derived it"));
    }
    // Findings come of the rules that were kept with the run.
    let (rules, missing) = ruling::of_run(run);
    if !missing.is_empty() {
        return Ok(Derived::not(
            "what is derived is not compared: its rules cannot be had any more",
        ));
    }
    let judge = rules::Judge::new(rules, ruling::around(&run.listed().about));
    let findings = differences(run, &meta, judge).map_err(|why| Failure::of(&why))?;
    Ok(Derived { compared: true, findings })
}

fn differences(
    run: &RunDir,
    meta: &Meta,
    judge: rules::Judge,
) -> Result<Vec<Finding>, storage::Error> {
    let mut tail = Tail::open(run)?;
    let mut comparison = Comparison::begin(run, pipeline::is_secret)?;
    let id = run.id().to_string();
    let mut pipeline = Pipeline::new(&id).judged_by(judge);
    let mut lines = event::json::Lines::new(&id);
    let (mut line, mut failed) = (Vec::new(), None);
    let mut take = |event: &event::model::Event| {
        if failed.is_none() {
            line.clear();
            lines.line(event, &mut line);
            failed = pipeline::row(event, &line, |row| comparison.push(row)).err();
        }
    };
    let Ok(()) = tail.read_all(|frame| {
        pipeline.feed(frame, &mut take);
        Ok::<(), std::convert::Infallible>(())
    });
    let consumed = tail.finish()?;
    pipeline.finish(!consumed.damage.is_empty(), &mut take);
    if let Some(why) = failed {
        return Err(why);
    }
    let page = derive::page(run, &pipeline, &consumed);
    comparison.finish(page, &consumed, DERIVATION, meta)
}
