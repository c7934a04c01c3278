//! Reads a request's members, and says in our own words which one is missing or wrong.
//!
//! Requests are flat: a body is an object of plain values, a query a list of texts. Members that a
//! request does not know are refused: whoever sent one meant something by it, and would wait in
//! vain.

use std::fmt::Display;

use serde::de::value::{SeqDeserializer, StringDeserializer};
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value, map};

/// What is wrong with a member.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadMember {
    /// It is not there.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// It is there more than once.
    #[error("`{0}` is given twice")]
    Twice(String),
    /// It has a value that it cannot have.
    #[error("`{name}` {why}")]
    Wrong {
        /// Its name.
        name: String,
        /// Why not, as the end of a sentence.
        why: String,
    },
    /// A value has a fault, and the member is not known yet.
    #[error("{0}")]
    Value(String),
}

impl BadMember {
    /// The fault of a value, told of the member that has it.
    fn of(self, member: &str) -> Self {
        match self {
            Self::Value(why) => Self::Wrong {
                name: member.into(),
                why,
            },
            other => other,
        }
    }
}

impl de::Error for BadMember {
    /// What our own types say of a text that they cannot be.
    fn custom<T: Display>(why: T) -> Self {
        Self::Value(format!("cannot be used: {why}"))
    }
    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let found = match found {
            Unexpected::Bool(_) => "a boolean",
            Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
            Unexpected::Str(_) => "a string",
            Unexpected::Seq => "a list",
            Unexpected::Map => "an object",
            _ => "null",
        };
        Self::Value(format!("must be {expected}, not {found}"))
    }
    fn unknown_variant(found: &str, expected: &'static [&'static str]) -> Self {
        let expected = expected.join(", ");
        Self::Value(format!("must be one of {expected}, not {found:?}"))
    }
    fn missing_field(name: &'static str) -> Self {
        Self::Missing(name)
    }
}

/// Reads the members of a body.
pub(super) fn from_object<T: DeserializeOwned>(object: Map<String, Value>) -> Result<T, BadMember> {
    T::deserialize(Members {
        rest: object.into_iter(),
        value: None,
    })
}

/// Reads the members of a query.
pub(super) fn from_query<T: DeserializeOwned>(query: &str) -> Result<T, BadMember> {
    let mut object = Map::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if object
            .insert(name.clone().into(), (*value).into())
            .is_some()
        {
            return Err(BadMember::Twice(name.into()));
        }
    }
    from_object(object)
}

struct Members {
    rest: map::IntoIter,
    /// The member whose name was read last.
    value: Option<(String, Value)>,
}

impl<'de> de::Deserializer<'de> for Members {
    type Error = BadMember;
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BadMember> {
        visitor.visit_map(self)
    }
    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}

impl<'de> de::MapAccess<'de> for Members {
    type Error = BadMember;
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, BadMember> {
        self.value = self.rest.next();
        let name = self.value.as_ref().map(|(name, _)| name.as_str());
        name.map(|name| seed.deserialize(name.into_deserializer()))
            .transpose()
    }
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, BadMember> {
        let (name, value) = self.value.take().unwrap_or_default();
        seed.deserialize(Member(value)).map_err(|e| e.of(&name))
    }
}

/// One value. In a query a number is a text, and is read as one.
struct Member(Value);

impl<'de> de::Deserializer<'de> for Member {
    type Error = BadMember;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BadMember> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::String(text) => visitor.visit_string(text),
            Value::Number(number) => match number.as_u64() {
                Some(whole) => visitor.visit_u64(whole),
                None => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::Array(_) => visitor.visit_seq(SeqDeserializer::new(std::iter::empty::<()>())),
            Value::Object(_) => visitor.visit_map(Members {
                rest: Map::new().into_iter(),
                value: None,
            }),
        }
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BadMember> {
        let Value::String(text) = self.0 else {
            return self.deserialize_any(visitor);
        };
        match text.parse() {
            Ok(number) => visitor.visit_u64(number),
            Err(_) => Err(BadMember::Value(format!(
                "must be a whole number, not {text:?}"
            ))),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BadMember> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, BadMember> {
        match self.0 {
            Value::String(text) => {
                let text: StringDeserializer<BadMember> = text.into_deserializer();
                text.deserialize_enum(name, variants, visitor)
            }
            _ => self.deserialize_any(visitor),
        }
    }

    /// A member that nobody asks for.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, BadMember> {
        Err(BadMember::Value("is not known here".into()))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, BadMember> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::control::api::{AcquireRequest, SpendQuery, TargetRequest, WhyQuery};
    use crate::report::is_printable;

    fn body<T: DeserializeOwned>(value: Value) -> Result<T, String> {
        let Value::Object(object) = value else {
            panic!("an object")
        };
        from_object(object).map_err(|e| e.to_string())
    }

    fn query<T: DeserializeOwned>(text: &str) -> Result<T, String> {
        from_query(text).map_err(|e| e.to_string())
    }

    #[test]
    fn a_body_that_is_whole_is_read_and_one_that_says_more_is_refused() {
        let request = body(json!({"pool": "a", "client": "ann"}));
        let expected = AcquireRequest {
            pool: "a".parse().expect("a pool"),
            client: "ann".parse().expect("a name"),
            team: None,
            size: None,
        };
        assert_eq!(request, Ok(expected));
        let more = json!({"pool": "a", "client": "ann", "since": [1, {"x": null}]});
        let refused = body::<AcquireRequest>(more).expect_err("refused");
        assert_eq!(refused, "`since` is not known here");
        let refused = query::<WhyQuery>("slot=a&lmit=3").expect_err("refused");
        assert_eq!(refused, "`lmit` is not known here");
    }

    #[test]
    fn a_member_that_is_missing_or_wrong_is_named() {
        let refused = |value| body::<AcquireRequest>(value).expect_err("refused");
        assert_eq!(refused(json!({"pool": "a"})), "`client` is missing");
        for (client, found) in [
            (json!(5), "a number"),
            (json!(-1.5), "a number"),
            (json!(true), "a boolean"),
            (json!(null), "null"),
            (json!(["ann"]), "a list"),
            (json!({"name": "ann"}), "an object"),
        ] {
            assert_eq!(
                refused(json!({"pool": "a", "client": client})),
                format!("`client` must be a string, not {found}")
            );
        }
        assert_eq!(
            refused(json!({"pool": "a b", "client": "ann"})),
            "`pool` cannot be used: a pool name \"a b\" has the character ' '; only \
             A-Z a-z 0-9 - _ are allowed"
        );
    }

    #[test]
    fn a_client_whose_name_would_do_more_than_name_it_is_refused() {
        let long = "x".repeat(129);
        for client in ["", &long, "eve\n14:00:00 INFO", "\u{1b}[2J", "\u{202e}nna"] {
            let refused = body::<AcquireRequest>(json!({"pool": "a", "client": client}));
            let refused = refused.expect_err("refused");
            assert!(
                refused.starts_with("`client` cannot be used: a client name"),
                "{refused}"
            );
            assert!(refused.chars().all(is_printable), "{refused}");
        }
        for client in ["ann", "Zoë Müller", "日本", "ws-3 (2nd floor)"] {
            let request = body::<AcquireRequest>(json!({"pool": "a", "client": client}));
            assert_eq!(request.map(|r| String::from(r.client)), Ok(client.into()));
        }
    }

    #[test]
    fn a_query_that_cannot_be_read_names_the_member() {
        assert_eq!(
            query::<WhyQuery>("slot=a%2F0").map(|q| (q.slot, q.limit)),
            Ok(("a/0".into(), 20))
        );
        assert_eq!(query::<WhyQuery>("slot=a&limit=3").map(|q| q.limit), Ok(3));
        let refused = |text| query::<WhyQuery>(text).expect_err("refused");
        assert_eq!(refused("limit=3"), "`slot` is missing");
        assert_eq!(refused("slot=a&slot=b"), "`slot` is given twice");
        assert_eq!(
            refused("slot=a&limit=x"),
            "`limit` must be a whole number, not \"x\""
        );
        let refused = |text| query::<SpendQuery>(text).expect_err("refused");
        assert_eq!(
            refused("by=week"),
            "`by` must be one of day, pool, session, region, team, client, not \"week\""
        );
        assert_eq!(
            refused("from=2026-02-30"),
            "`from` cannot be used: \"2026-02-30\" is not a date, such as 2026-03-01"
        );
        let spend = query::<SpendQuery>("by=day&from=2026-03-01").expect("it can be read");
        assert_eq!(
            spend.from.map(|d| d.to_string()).as_deref(),
            Some("2026-03-01")
        );
    }

    #[test]
    fn what_the_client_sends_is_what_the_server_reads() {
        let sent = TargetRequest {
            target: "a/0".into(),
        };
        let json = serde_json::to_value(&sent).expect("JSON");
        assert_eq!(body(json), Ok(sent));
    }
}
