//! Correlations, and the rules that they look at.

use std::collections::{HashMap, HashSet};

use super::RuleSet;
use crate::field::Field;
use crate::rule::{Body, By, Rule};

/// Places of rules by their ids and names; of two with one name the first counts.
type Places = HashMap<String, usize>;

impl RuleSet {
    /// Joins correlations with the rules that they look at. One that looks at a rule that is not there
    /// cannot be used, and neither can one that looks at that one.
    pub(super) fn correlate(&mut self) {
        let places = self.places();
        let broken = self.broken_correlations(&places);
        let mut at = 0;
        self.rules.retain(|rule| {
            let why = broken.get(&at);
            at += 1;
            if let Some(why) = why {
                self.unusable.push((format!("{} ({})", rule.id, rule.title), why.clone()));
            }
            why.is_none()
        });
        let places = self.places();
        for (at, rule) in (0..).zip(&self.rules) {
            for (place, id) in rule.looks_at().iter().enumerate() {
                if let Some(base) = places.get(id).and_then(|at| u32::try_from(*at).ok()) {
                    self.listeners.entry(base).or_default().push((at, place));
                }
            }
        }
        let watched = std::mem::take(&mut self.watched);
        for rule in &mut self.rules {
            let is_watched = rule.names().any(|name| watched.contains(name));
            rule.quiet |= is_watched;
        }
    }

    fn places(&self) -> Places {
        let mut places = Places::new();
        for (at, rule) in self.rules.iter().enumerate() {
            for name in rule.names() {
                places.entry(name.to_owned()).or_insert(at);
            }
        }
        places
    }

    /// Correlations that cannot be used, and why. Puts the fields of aliases in order on the way.
    fn broken_correlations(&mut self, places: &Places) -> HashMap<usize, String> {
        let (mut broken, mut listeners) = (HashMap::new(), HashMap::<usize, Vec<usize>>::new());
        for at in 0..self.rules.len() {
            match self.settle(at, places) {
                Err(why) => {
                    broken.insert(at, why);
                }
                Ok(bases) => {
                    bases.into_iter().for_each(|base| listeners.entry(base).or_default().push(at));
                }
            }
        }
        let mut next: Vec<usize> = broken.keys().copied().collect();
        while let Some(base) = next.pop() {
            let id = self.rules.get(base).map_or("", |rule| &*rule.id);
            for at in listeners.remove(&base).unwrap_or_default() {
                broken.entry(at).or_insert_with(|| {
                    next.push(at);
                    format!("it looks at {id}, which cannot be used")
                });
            }
        }
        broken
    }

    /// Finds the rules that one looks at, and puts the fields of its aliases into their order.
    fn settle(&mut self, at: usize, places: &Places) -> Result<Vec<usize>, String> {
        let ids = self.rules.get(at).map(|rule| rule.looks_at().to_vec()).unwrap_or_default();
        let mut bases = Vec::with_capacity(ids.len());
        for id in &ids {
            let base = places.get(id).ok_or_else(|| format!("there is no rule {id} in use"))?;
            bases.push(*base);
        }
        let names: Vec<HashSet<String>> = bases
            .iter()
            .filter_map(|base| self.rules.get(*base))
            .map(|rule| rule.names().map(str::to_owned).collect())
            .collect();
        if let Some(Rule { body: Body::Correlation { tally, .. }, .. }) = self.rules.get_mut(at) {
            tally.by.iter_mut().try_for_each(|by| in_order(by, &ids, &names))?;
        }
        Ok(bases)
    }

    /// The correlations that look at a rule, and which of theirs it is.
    pub(crate) fn listeners_of(&self, rule: u32) -> Vec<(u32, &Rule, usize)> {
        let of_rule = self.listeners.get(&rule).map_or(&[][..], Vec::as_slice);
        let found = of_rule
            .iter()
            .map(|(at, place)| self.rules.get(*at as usize).map(|rule| (*at, rule, *place)));
        found.flatten().collect()
    }
}

/// Puts the fields of an alias into the order of the rules that are looked at: each has one.
fn in_order(by: &mut By, ids: &[String], names: &[HashSet<String>]) -> Result<(), String> {
    let By::Alias { name, fields } = by else { return Ok(()) };
    let of_rule = |(id, names): (&String, &HashSet<String>)| -> Result<(String, Field), String> {
        let known = fields.iter().find(|(rule, _)| names.contains(rule));
        known.cloned().ok_or_else(|| format!("its alias '{name}' has no field for {id}"))
    };
    let ordered = ids.iter().zip(names).map(of_rule).collect::<Result<Vec<_>, _>>()?;
    *fields = ordered;
    Ok(())
}
