//! The control API as an OpenAPI 3.1 document.
//!
//! Promises: every route of the server is in it and no other, with every status that it answers;
//! schemas are made from the very types that the server writes and reads, so they cannot tell of
//! another form. It is the same for every daemon of one version.

mod operations;
mod schemas;
mod texts;

use serde_json::{Map, Value, json};

use operations::{Operation, operations};
use schemas::Schemas;

use super::api::{PROBLEM_JSON, Problem};

/// The document.
pub fn document() -> Value {
    let mut schemas = Schemas::default();
    let mut paths = Map::new();
    for operation in operations(&mut schemas) {
        let (path, method) = (operation.path, operation.method);
        let item = paths.entry(path).or_insert_with(|| json!({}));
        item[method] = described(operation, &mut schemas);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "leasekeeper control API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What a running daemon tells and takes, over HTTP on its unix socket. \
                Every path may also answer 404 and 405 with a problem: where it is misspelt, and \
                where it is asked with another method.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{
            "url": "http://leasekeeper",
            "description": "The control socket; the host name can be anything.",
        }],
        "paths": paths,
        "components": { "schemas": schemas.finished() },
    })
}

/// An operation as the document has it.
fn described(operation: Operation, schemas: &mut Schemas) -> Value {
    let mut answers = Map::new();
    for (status, description, schema) in operation.answers {
        let answer = json!({
            "description": description,
            "content": { "application/json": { "schema": schema } },
        });
        answers.insert(status.to_string(), answer);
    }
    let problem = schemas.of::<Problem>();
    for (status, description) in operation.problems {
        let answer = json!({
            "description": description,
            "content": { PROBLEM_JSON: { "schema": problem } },
        });
        answers.insert(status.to_string(), answer);
    }
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "responses": answers,
    });
    if let Some(parameters) = operation.parameters {
        described["parameters"] = parameters;
    }
    if let Some(schema) = operation.body {
        described["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": schema } },
        });
    }
    described
}

#[cfg(test)]
mod tests;
