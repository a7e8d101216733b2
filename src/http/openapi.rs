//! `GET /openapi.json`: the routes as OpenAPI 3.1, made from their table and the schemas of what is
//! published.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::http::HeaderMap;
use serde_json::{Map, Value, json};
use xxhash_rust::xxh3::xxh3_64;

use super::answer::tagged;
use super::error::Answer;
use super::routes::{Content, Param, Route, Said, table};
use crate::schemas;

const ABOUT: &str = "Live options-dealer and order-flow analytics. Documents are served as they were \
    published. Times are RFC 3339 in UTC with milliseconds, or whole milliseconds since 1970 where a \
    name ends in _ms; documents of analytics bear `timestamp` in seconds since 1970. Volatilities are \
    fractions, 1.0 is 100 % a year, unless a field's description names points. What is not known is null.";

/// The parts of paths.
const PARTS: [(&str, &str); 6] = [
    ("symbol", "A symbol, see /symbols."),
    ("name", "The name of a document, see /schema."),
    ("sector", "The name of a sector, see /portfolio/sectors."),
    ("product", "An underlying, see /products."),
    ("file", "The name of a file."),
    ("kind", "The name of a statistic."),
];

/// What any route may answer.
const COMMON: [(u16, &str, &str); 6] = [
    (
        400,
        "BadRequest",
        "bad_parameter, bad_path or no_host: what is wrong, and where",
    ),
    (
        401,
        "Unauthorized",
        "unauthorized: a token or a session is needed",
    ),
    (403, "Forbidden", "foreign_host or foreign_origin"),
    (405, "WrongMethod", "method_not_allowed"),
    (414, "TooLong", "too_long: the path or the query"),
    (
        429,
        "TooMany",
        "too_many_requests from this address; Retry-After says when",
    ),
];

/// The document with its tag.
static DOCUMENT: LazyLock<(String, Vec<u8>)> = LazyLock::new(|| {
    let text = serde_json::to_vec_pretty(&make(&table())).unwrap_or_default();
    (format!("{:x}", xxh3_64(&text)), text)
});

/// `/openapi.json`.
pub(super) async fn document(headers: HeaderMap) -> Answer {
    let (tag, text) = &*DOCUMENT;
    Ok(tagged(&headers, tag, || text.clone()))
}

/// The routes as a document.
fn make(routes: &[Route]) -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for route in routes {
        let entry = paths.entry(route.path).or_default();
        entry.insert(route.verb.to_owned(), operation(route));
    }
    let mut components: Map<String, Value> = Map::new();
    for (name, schema) in schemas::all() {
        components.insert(name.to_owned(), component(name, schema));
    }
    components.insert("Error".to_owned(), error_schema());
    let responses = COMMON.iter().map(|(_, name, about)| {
        let said = json!({"description": about, "content": error_content()});
        ((*name).to_owned(), said)
    });
    let responses: Map<String, Value> = responses.collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "analytics",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": {"name": "MIT OR Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": responses,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer",
                    "description": "see analytics token new"},
                "session": {"type": "apiKey", "in": "cookie", "name": "analytics_session"},
            },
        },
        "security": [{}, {"token": []}, {"session": []}],
    })
}

fn operation(route: &Route) -> Value {
    let parts = route
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let parts = parts.map(|name| {
        let about = PARTS.iter().find(|(known, _)| *known == name);
        json!({"name": name, "in": "path", "required": true,
            "description": about.map_or("", |(_, about)| about),
            "schema": {"type": "string"}})
    });
    let parameters: Vec<Value> = parts.chain(route.query.iter().map(parameter)).collect();
    let mut answers: Map<String, Value> = Map::new();
    for (status, name, _) in COMMON {
        let reference = json!({"$ref": format!("#/components/responses/{name}")});
        answers.insert(status.to_string(), reference);
    }
    for said in &route.answers {
        answers.insert(said.status.to_string(), answer(said));
    }
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.about,
        "tags": [route.tag],
        "parameters": parameters,
        "responses": answers,
    });
    if let Some(schema) = &route.body {
        operation["requestBody"] = json!({"required": true,
            "content": {"application/json": {"schema": schema}}});
    }
    operation
}

fn operation_id(route: &Route) -> String {
    let words = route.path.split(['/', '{', '}', '.', '-']);
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    match words.is_empty() {
        true => format!("{}_index", route.verb),
        false => format!("{}_{}", route.verb, words.join("_")),
    }
}

fn parameter(param: &Param) -> Value {
    json!({"name": param.name, "in": "query", "required": param.required,
        "description": param.about, "schema": param.schema})
}

fn answer(said: &Said) -> Value {
    let json = |schema: Value| json!({"application/json": {"schema": schema}});
    let content = match &said.content {
        Content::Json(schema) => json(schema.clone()),
        Content::Named(name) => json(json!({"$ref": format!("#/components/schemas/{name}")})),
        Content::Error => error_content(),
        Content::Other(kind) => {
            let mut content = Map::new();
            content.insert((*kind).to_owned(), json!({"schema": {"type": "string"}}));
            Value::Object(content)
        }
        Content::Nothing => return json!({"description": said.about}),
    };
    json!({"description": said.about, "content": content})
}

fn error_content() -> Value {
    json!({"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}})
}

fn error_schema() -> Value {
    json!({
        "type": "object",
        "description": "Why a request is not answered.",
        "required": ["error", "code"],
        "properties": {
            "error": {"type": "string", "description": "for people"},
            "code": {"type": "string", "description": "for programs: small letters and _"},
            "parameter": {"type": "string", "description": "which one is wrong"},
            "nearest": {"type": "string", "description": "what was probably meant"},
            "since": {"type": "string", "format": "date-time",
                "description": "since when what is needed is away"},
        },
    })
}

/// A schema at its place in the document: what it refers to within itself is found from there.
pub(super) fn component(name: &str, mut schema: Value) -> Value {
    if let Some(fields) = schema.as_object_mut() {
        fields.remove("$schema");
    }
    move_references(&mut schema, &format!("#/components/schemas/{name}/$defs/"));
    schema
}

fn move_references(value: &mut Value, to: &str) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get_mut("$ref")
                && let Some(rest) = reference.strip_prefix("#/$defs/")
            {
                *reference = format!("{to}{rest}");
            }
            fields
                .values_mut()
                .for_each(|field| move_references(field, to));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| move_references(item, to)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_route_is_an_operation_with_its_own_id() {
        let routes = table();
        let document = make(&routes);
        let mut ids = BTreeSet::new();
        for route in &routes {
            let operation = &document["paths"][route.path][route.verb];
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} stands twice");
            assert!(!route.about.is_empty() && !route.answers.is_empty(), "{id}");
            for part in operation["parameters"].as_array().unwrap() {
                assert!(
                    !part["description"].as_str().unwrap().is_empty(),
                    "{id}: {part}"
                );
            }
        }
        let paths = document["paths"].as_object().unwrap().values();
        let operations: usize = paths.map(|path| path.as_object().unwrap().len()).sum();
        assert_eq!(operations, routes.len());
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(fields) => {
                    let own = fields.get("$ref").and_then(Value::as_str);
                    found.extend(own.map(str::to_owned));
                    fields.values().for_each(|field| references(field, found));
                }
                Value::Array(items) => items.iter().for_each(|item| references(item, found)),
                _ => {}
            }
        }
        let document = make(&table());
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 50);
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }
}
