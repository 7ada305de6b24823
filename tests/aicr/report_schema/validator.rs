//! As much of JSON Schema (2020-12) as `docs/report.schema.json` uses; a keyword that is not known
//! here fails the test, so that no rule of the schema is passed over. The crates that do all of it
//! bring dependencies that `deny.toml` refuses.

use serde_json::{Map, Value};

/// Why `value` is not what `schema` says, by the path of the value.
pub(crate) fn validate(schema: &Value, value: &Value) -> Result<(), String> {
    Validator { root: schema }.check(schema, value, "$")
}

struct Validator<'a> {
    root: &'a Value,
}

impl Validator<'_> {
    fn check(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        let schema = match schema {
            Value::Bool(true) => return Ok(()),
            Value::Bool(false) => return Err(format!("{at} must not be there")),
            Value::Object(schema) => schema,
            other => panic!("no schema: {other}"),
        };
        schema.iter().try_for_each(|(keyword, rule)| self.keyword(schema, keyword, rule, value, at))
    }

    fn keyword(
        &self,
        schema: &Map<String, Value>,
        keyword: &str,
        rule: &Value,
        value: &Value,
        at: &str,
    ) -> Result<(), String> {
        let holds =
            |holds: bool| if holds { Ok(()) } else { Err(format!("{at}: {keyword} {rule}, not {value}")) };
        let list = || rule.as_array().expect("a list of schemas");
        match keyword {
            "$schema" | "title" | "description" | "$defs" | "then" | "else" => Ok(()),
            "$ref" => {
                let pointer =
                    rule.as_str().and_then(|rule| rule.strip_prefix('#')).expect("a local reference");
                self.check(self.root.pointer(pointer).expect("a definition"), value, at)
            }
            "type" => match rule {
                Value::Array(types) => holds(types.iter().any(|name| is_of_type(value, name))),
                name => holds(is_of_type(value, name)),
            },
            "const" => holds(value == rule),
            "enum" => holds(list().contains(value)),
            "anyOf" => holds(list().iter().any(|rule| self.check(rule, value, at).is_ok())),
            "allOf" => list().iter().try_for_each(|rule| self.check(rule, value, at)),
            "if" => {
                let branch = if self.check(rule, value, at).is_ok() { "then" } else { "else" };
                schema.get(branch).map_or(Ok(()), |rule| self.check(rule, value, at))
            }
            "required" => holds(value.as_object().is_none_or(|object| {
                list().iter().all(|name| object.contains_key(name.as_str().expect("a name")))
            })),
            "properties" => self.each(value, |name| rule.get(name), at),
            "additionalProperties" => {
                let known =
                    |name: &str| schema.get("properties").is_some_and(|known| known.get(name).is_some());
                self.each(value, |name| (!known(name)).then_some(rule), at)
            }
            "items" => value
                .as_array()
                .into_iter()
                .flatten()
                .enumerate()
                .try_for_each(|(index, item)| self.check(rule, item, &format!("{at}/{index}"))),
            "minItems" => holds(value.as_array().is_none_or(|items| items.len() >= number(rule))),
            "maxItems" => holds(value.as_array().is_none_or(|items| items.len() <= number(rule))),
            "minLength" => holds(value.as_str().is_none_or(|text| text.chars().count() >= number(rule))),
            "minimum" => holds(value.as_f64().is_none_or(|value| Some(value) >= rule.as_f64())),
            "pattern" => {
                assert_eq!(rule, "^[0-9a-f]{64}$", "the one pattern that is known");
                holds(value.as_str().is_none_or(|text| {
                    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
                }))
            }
            unknown => panic!("{unknown} is no keyword that this validator knows"),
        }
    }

    /// Checks every field that a rule is found for.
    fn each<'a>(
        &self,
        value: &Value,
        rule: impl Fn(&str) -> Option<&'a Value>,
        at: &str,
    ) -> Result<(), String> {
        value.as_object().into_iter().flatten().try_for_each(|(name, field)| {
            rule(name).map_or(Ok(()), |rule| self.check(rule, field, &format!("{at}/{name}")))
        })
    }
}

fn is_of_type(value: &Value, name: &Value) -> bool {
    match name.as_str().expect("the name of a type") {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        unknown => panic!("{unknown} is no type that this validator knows"),
    }
}

fn number(rule: &Value) -> usize {
    usize::try_from(rule.as_u64().expect("a number")).expect("a small number")
}
