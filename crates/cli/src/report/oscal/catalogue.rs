//! The control catalogue as an OSCAL catalog.

use std::io::{self, Write};

use model::Control;
use model::catalogue::{Area, Phase, controls};

use super::{control_id, metadata, prop};
use crate::report::identity::uuid;
use crate::report::stream::Json;
use crate::report::tally::area_title;

/// Prints all controls, grouped by phase, the runtime phase by area.
pub(crate) fn oscal_catalogue(out: &mut dyn Write) -> io::Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let mut json = Json::new(out);
    json.object();
    json.object_at("catalog", |json| {
        json.field("uuid", &uuid(&["catalogue", version]));
        metadata(json, "Kobuk control catalogue", MODIFIED, version);
        json.array_at("groups", |json| {
            for phase in Phase::ALL {
                json.object();
                json.field("id", phase.as_str());
                json.field("class", "phase");
                match phase {
                    Phase::Runtime => runtime(json),
                    _ => area(json, phase, Area::ALL.into_iter().find(|area| area.phase() == phase)),
                }
                json.end_object();
            }
        });
    });
    json.end_object();
    json.finish()
}

fn runtime(json: &mut Json<'_>) {
    json.field("title", "Runtime");
    json.array_at("groups", |json| {
        for part in Area::ALL.into_iter().filter(|area| area.phase() == Phase::Runtime) {
            json.object();
            json.field_of("id", format_args!("runtime-{}", part.as_str()));
            json.field("class", "area");
            area(json, Phase::Runtime, Some(part));
            json.end_object();
        }
    });
}

fn area(json: &mut Json<'_>, phase: Phase, area: Option<Area>) {
    json.field("title", area.map_or(phase.as_str(), area_title));
    json.array_at("controls", |json| {
        for entry in controls().iter().filter(|entry| Some(entry.area) == area) {
            json.line();
            control(json, entry);
        }
    });
}

fn control(json: &mut Json<'_>, control: &Control) {
    let id = control_id(control.id);
    json.object();
    json.field("id", &id);
    json.field("title", control.title);
    json.array_at("props", |json| {
        json.object();
        json.field("name", "label");
        json.field("value", control.id);
        json.end_object();
        let inputs: Vec<&str> = control.inputs.iter().map(|input| input.as_str()).collect();
        for (name, values) in [
            ("input", &inputs),
            ("enforced-by", &control.enforce),
            ("security-checklist", &control.security_checklist),
            ("application-security-checklist", &control.app_checklist),
            ("cnsc", &control.cnsc),
            ("nist-sp-800-53", &control.nist),
            ("source", &control.sources),
        ] {
            values.iter().for_each(|value| prop(json, name, value));
        }
    });
    json.array_at("parts", |json| {
        for (suffix, name, prose) in
            [("smt", "statement", control.text), ("obj", "assessment-objective", control.judged_by)]
        {
            json.object();
            json.field_of("id", format_args!("{id}_{suffix}"));
            json.field("name", name);
            json.field("prose", prose);
            json.end_object();
        }
    });
    json.end_object();
}

/// When a control was last added or reworded.
const MODIFIED: &str = "2026-11-23T00:00:00Z";

#[cfg(test)]
mod tests {
    use serde_json::Value;

    #[test]
    fn every_control_stands_in_the_catalogue_once() {
        let mut out = Vec::new();
        super::oscal_catalogue(&mut out).unwrap();
        let document: Value = serde_json::from_slice(&out).unwrap();
        let groups = document["catalog"]["groups"].as_array().unwrap();
        let nested = groups.iter().flat_map(|group| group["groups"].as_array().into_iter().flatten());
        let controls = groups.iter().chain(nested).flat_map(|group| group["controls"].as_array().into_iter().flatten());
        let mut ids: Vec<&str> = controls.map(|control| control["id"].as_str().unwrap()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((groups.len(), ids.len()), (5, 182));
    }
}
