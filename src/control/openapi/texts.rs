//! Schemas of the values that are texts or numbers with a form of their own, and of those whose
//! JSON is written by hand.

use std::borrow::Cow;

use serde_json::{Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::keeper::{BudgetName, Ports, Status};
use crate::policy::ActivitySource;
use crate::units::{
    ByteCount, ClientName, Currency, HoldId, Minutes, Money, Owner, PoolName, Price, Region,
    SessionId, Size, SlotId, Span, TeamName, Timestamp,
};

/// Implements the schema of a type, as JSON.
macro_rules! schema {
    ($($name:ident: $schema:tt),* $(,)?) => {
        $(impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                read(json!($schema))
            }
        }
        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        })*
    };
}

schema! {
    ActivitySource: {
        "description": "An activity source: what shows that a session is used.",
        "oneOf": [
            { "type": "string", "enum": ["heartbeat", "sockets"] },
            {
                "type": "object",
                "description": "A file that was changed.",
                "required": ["file"],
                "properties": { "file": { "type": "string", "description": "Its path." } },
            },
            {
                "type": "object",
                "description": "A command that ended with exit status 0.",
                "required": ["command"],
                "properties": {
                    "command": {
                        "type": "array",
                        "items": { "type": "string" },
                        "description": "Its words.",
                    },
                },
            },
            {
                "type": "object",
                "description": "TCP connections that move so many bytes in a minute.",
                "required": ["busy-sockets"],
                "properties": {
                    "busy-sockets": {
                        "type": "integer",
                        "minimum": 1,
                        "description": "How many bytes.",
                    },
                },
            },
            {
                "type": "object",
                "description": "A figure of a page on the network.",
                "required": ["metric"],
                "properties": {
                    "metric": {
                        "type": "object",
                        "description": "Which, and when it shows use.",
                        "required": ["url", "figure", "used_when"],
                        "properties": {
                            "url": { "type": "string", "description": "The page." },
                            "figure": {
                                "type": "object",
                                "description": "`sample`, with `name` and `labels`; or `pointer`.",
                            },
                            "used_when": {
                                "type": ["object", "string"],
                                "description": "`above`, with a number; or \"changes\".",
                            },
                        },
                    },
                },
            },
        ],
    },
    BudgetName: {
        "type": "object",
        "description": "A budget: whose, and what it bounds.",
        "required": ["period"],
        "properties": {
            "pool": {
                "type": ["string", "null"],
                "description": "The pool whose it is; null for a team's and the whole policy's.",
            },
            "team": {
                "type": ["string", "null"],
                "description": "The team whose it is; null for a pool's and the whole policy's.",
            },
            "period": {
                "type": "string",
                "enum": ["day", "month", "exposure"],
                "description": "A calendar day or month of the budgets' time zone, or what could \
                    still be billed if the daemon died.",
            },
        },
    },
    ByteCount: {
        "type": "integer",
        "minimum": 0,
        "description": "An amount of data in bytes.",
    },
    ClientName: {
        "type": "string",
        "minLength": 1,
        "maxLength": 128,
        "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\
            \\u2066-\\u2069]+$",
        "description": "The client's name for itself: printable characters.",
        "examples": ["ann"],
    },
    Currency: {
        "type": "string",
        "description": "The policy's name of its currency, as a rule of ISO 4217.",
        "examples": ["EUR"],
    },
    HoldId: {
        "type": "string",
        "pattern": "^hold-[0-7][0-9A-HJKMNP-TV-Z]{25}$",
        "description": "The id of a client's claim on a session, which may outlive the session.",
        "examples": ["hold-01M89XFPG3E2K7T4Q8M0Z5C9RV"],
    },
    Minutes: {
        "type": "integer",
        "minimum": 0,
        "description": "Whole minutes.",
    },
    Money: {
        "type": "string",
        "description": "An amount of money as a plain decimal.",
        "examples": ["12.50"],
    },
    Owner: {
        "type": "string",
        "description": "Prefix of every session that a daemon owns.",
    },
    PoolName: {
        "type": "string",
        "pattern": "^[A-Za-z0-9_-]{1,64}$",
        "description": "The name of a pool: letters and digits of ASCII, - and _.",
        "examples": ["design-review"],
    },
    Ports: {
        "type": "object",
        "description": "The ports of the session's server that are known, each by its name and \
            `_port`.",
    },
    Price: {
        "type": "string",
        "description": "The price of an hour as a plain decimal.",
        "examples": ["2.99"],
    },
    Region: {
        "type": "string",
        "description": "The name of a region.",
        "examples": ["westeurope"],
    },
    SessionId: {
        "type": "string",
        "pattern": "^[A-Za-z0-9_-]{1,256}$",
        "description": "The id of a session: letters and digits of ASCII, - and _.",
    },
    Size: {
        "type": "string",
        "description": "The kind of server: Standard, Premium, or a word that a newer service has.",
    },
    SlotId: {
        "type": "string",
        "pattern": "^[A-Za-z0-9_-]{1,64}/[0-9]+$",
        "description": "A place in a pool: its name, a slash, and the place from 0.",
        "examples": ["design-review/0"],
    },
    Span: {
        "type": "string",
        "description": "A span of time in hours, minutes and seconds.",
        "examples": ["1h30m"],
    },
    Status: {
        "type": "string",
        "description": "The service's word for where a session is in its life: Starting, Ready, \
            Stopped, Expired, Error, or a word that a newer service has.",
    },
    TeamName: {
        "type": "string",
        "pattern": "^[A-Za-z0-9_-]{1,64}$",
        "description": "The name of a team: letters and digits of ASCII, - and _.",
        "examples": ["lighting"],
    },
    Timestamp: {
        "type": "string",
        "format": "date-time",
        "description": "An instant in UTC (RFC 3339).",
        "examples": ["2026-11-25T17:45:28Z"],
    },
}

fn read(schema: Value) -> RefOr<Schema> {
    // What stands above is a schema; every test that makes the document reads it.
    serde_json::from_value(schema).unwrap_or_else(|_| Schema::default().into())
}
