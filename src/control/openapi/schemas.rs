//! The schemas that a document refers to, each once, by the names of their types.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, ToSchema};

/// The schemas so far.
#[derive(Default)]
pub(super) struct Schemas(BTreeMap<String, Value>);

impl Schemas {
    /// A reference to the schema of a type, which is there from now on, with all that it refers to.
    pub(super) fn of<T: ToSchema>(&mut self) -> Value {
        let mut used: Vec<(String, RefOr<Schema>)> = Vec::new();
        T::schemas(&mut used);
        for (name, schema) in used {
            self.0.entry(name).or_insert_with(|| json(&schema));
        }
        let name = T::name();
        let reference = format!("#/components/schemas/{name}");
        self.0
            .entry(name.into())
            .or_insert_with(|| json(&T::schema()));
        json!({ "$ref": reference })
    }

    /// The same of a request, whose members are refused where they are not known.
    pub(super) fn strict<T: ToSchema>(&mut self) -> Value {
        let reference = self.of::<T>();
        if let Some(schema) = self.0.get_mut(&*T::name()) {
            schema["additionalProperties"] = false.into();
        }
        reference
    }

    /// All of them by name, with descriptions for readers of JSON.
    pub(super) fn finished(self) -> Map<String, Value> {
        let mut all: Map<String, Value> = self.0.into_iter().collect();
        all.values_mut().for_each(reworded);
        all
    }
}

/// The parameters of a query.
pub(super) fn parameters<T: IntoParams>() -> Value {
    let mut parameters = json(&T::into_params(|| Some(ParameterIn::Query)));
    reworded(&mut parameters);
    // A query has texts only; what is not there is left out.
    for parameter in parameters.as_array_mut().into_iter().flatten() {
        if let Some(Value::Array(types)) = parameter.pointer_mut("/schema/type") {
            types.retain(|kind| kind != "null");
        }
    }
    parameters
}

fn json(value: &impl Serialize) -> Value {
    // Schemas and parameters are texts, numbers and maps by name.
    serde_json::to_value(value).unwrap_or_default()
}

/// Says in every description what a reader of JSON knows: `null`, and no links into Rust; and says
/// it of the whole value where the value may be null.
fn reworded(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(reworded);
            if let Some(Value::String(text)) = members.get_mut("description") {
                let links = text.replace("[`", "`").replace("`]", "`");
                *text = links.replace("`None`", "null").replace('\n', " ");
            }
            let inner = members.get_mut("oneOf").and_then(Value::as_array_mut);
            if let Some([Value::Object(known), null]) = inner.map(Vec::as_mut_slice)
                && null["type"] == "null"
                && let Some(description) = known.remove("description")
            {
                members.insert("description".into(), description);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(reworded),
        _ => {}
    }
}
