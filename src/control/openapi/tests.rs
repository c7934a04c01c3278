//! The document has every route, says something of everything, and refers to what is there.

use std::collections::BTreeSet;

use super::*;
use crate::control::server::ROUTES;

/// Method, path and description of every operation.
fn told(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let of = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().expect("methods").iter();
        methods.map(move |(method, what)| (method.as_str(), path.as_str(), what))
    });
    of.collect()
}

/// Every value in a document, with the names that lead to it.
fn walk(value: &Value, place: &str, see: &mut impl FnMut(&str, &Value)) {
    see(place, value);
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                walk(member, &format!("{place}/{name}"), see);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                walk(item, &format!("{place}/{at}"), see);
            }
        }
        _ => {}
    }
}

#[test]
fn every_route_of_the_server_is_in_the_document_and_no_other() {
    let document = document();
    let all = told(&document);
    let told: BTreeSet<(&str, &str)> = all.iter().map(|(m, p, _)| (*m, *p)).collect();
    let served: BTreeSet<(&str, &str)> = ROUTES.iter().copied().collect();
    assert_eq!(told, served);
    let ids: BTreeSet<&str> = all
        .iter()
        .filter_map(|(_, _, o)| o["operationId"].as_str())
        .collect();
    assert_eq!(ids.len(), all.len(), "{ids:?}");
}

#[test]
fn every_reference_leads_to_a_schema_and_every_schema_is_referred_to() {
    let document = document();
    let mut used = BTreeSet::new();
    walk(&document, "", &mut |_, value| {
        let reference = value.get("$ref").and_then(Value::as_str);
        used.extend(reference.map(str::to_owned));
    });
    let schemas = document["components"]["schemas"]
        .as_object()
        .expect("schemas");
    let there: BTreeSet<String> = schemas
        .keys()
        .map(|name| format!("#/components/schemas/{name}"))
        .collect();
    assert_eq!(used, there);
}

#[test]
fn every_schema_every_field_every_parameter_and_every_answer_is_described() {
    let document = document();
    let says = |value: &Value| {
        let description = value["description"].as_str();
        description.is_some_and(|text| !text.trim().is_empty())
    };
    let schemas = &document["components"]["schemas"];
    // What only refers to a type that describes itself says enough.
    let described = |value: &Value| {
        let target = value["$ref"].as_str().and_then(|r| r.rsplit('/').next());
        says(value) || target.is_some_and(|name| says(&schemas[name]))
    };
    let mut silent = Vec::new();
    walk(&document, "", &mut |place, value| {
        let parent = place.rsplit('/').nth(1);
        let is_told = matches!(parent, Some("properties" | "parameters" | "responses"))
            || place
                .strip_prefix("/components/schemas/")
                .is_some_and(|name| !name.contains('/'));
        // The member that tells variants apart is described by its only value.
        let is_tag = value["enum"].as_array().is_some_and(|only| only.len() == 1);
        if is_told && !is_tag && !described(value) {
            silent.push(place.to_owned());
        }
    });
    assert_eq!(silent, Vec::<String>::new());
}

#[test]
fn descriptions_are_for_readers_of_json() {
    let mut wrong = Vec::new();
    walk(&document(), "", &mut |place, value| {
        let text = value.get("description").and_then(Value::as_str);
        let text = text.unwrap_or_default();
        if text.contains("`None`") || text.contains("[`") || text.contains('\n') {
            wrong.push(format!("{place}: {text}"));
        }
    });
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn requests_refuse_members_that_they_do_not_know_and_answers_may_get_more() {
    let document = document();
    let schemas = document["components"]["schemas"]
        .as_object()
        .expect("schemas");
    for (name, schema) in schemas {
        let strict = schema["additionalProperties"] == false;
        assert_eq!(strict, name.ends_with("Request"), "{name}");
    }
}

#[test]
fn every_operation_can_answer_well_and_tells_its_problems() {
    let document = document();
    for (method, path, operation) in told(&document) {
        let answers = operation["responses"].as_object().expect("answers");
        assert!(
            answers.contains_key("200") && answers.contains_key("400"),
            "{path}"
        );
        for (status, answer) in answers {
            let kind = if status.starts_with('2') {
                "application/json"
            } else {
                PROBLEM_JSON
            };
            assert!(
                answer["content"][kind]["schema"].is_object(),
                "{method} {path} {status}"
            );
        }
        let takes_body = answers.contains_key("415");
        assert_eq!(operation.get("requestBody").is_some(), takes_body, "{path}");
        assert_eq!(takes_body, method == "post", "{path}");
    }
}
