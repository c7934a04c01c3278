//! Requests, read: what is asked, of which account and session, in which version, with which
//! settings.
//!
//! Pure. Everything here takes bytes from outside; each wrong one gets a [`Problem`] that says what
//! is wrong.

use std::borrow::Cow;

use hyper::{Method, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::arr::limits::LARGEST_CREATE;
use crate::units::{Minutes, SessionId, Size};

use super::operation::ApiOperation;
use super::problem::Problem;

/// The versions of the session API that are spoken.
const VERSIONS: &[&str] = &["2021-01-01", "2021-01-01-preview"];
/// The version of the token API that is spoken.
const TOKEN_VERSIONS: &[&str] = &["2019-02-28-preview"];

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RequestTarget<'a> {
    pub(in crate::host) operation: ApiOperation,
    pub(in crate::host) account: Cow<'a, str>,
    session: Cow<'a, str>,
}

impl<'a> RequestTarget<'a> {
    /// Reads a method and a path. Words of the path may be written in any case, and ids may not;
    /// either may be percent-encoded, and a slash at the end means nothing.
    pub(in crate::host) fn read(method: &Method, path: &'a str) -> Result<Self, Problem> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let path = path.strip_suffix('/').unwrap_or(path);
        let mut segments = path.split('/');
        let mut next = || segments.next().map(decoded).transpose();
        let is = |segment: &Option<Cow<'_, str>>, word: &str| {
            segment
                .as_ref()
                .is_some_and(|s| s.eq_ignore_ascii_case(word))
        };
        let nothing = || Problem::new(StatusCode::NOT_FOUND, "NotFound", "There is nothing here.");
        if !is(&next()?, "accounts") {
            return Err(nothing());
        }
        let (account, kind, session, verb, more) = (next()?, next()?, next()?, next()?, next()?);
        let none = Cow::Borrowed("");
        let (operation, session) = match (session, verb, more) {
            (None, ..) if is(&kind, "token") => (
                only(method, &Method::GET, ApiOperation::Token, "GET")?,
                none,
            ),
            (None, ..) if is(&kind, "sessions") => {
                (only(method, &Method::GET, ApiOperation::List, "GET")?, none)
            }
            (Some(id), None, _) if is(&kind, "sessions") => (one(method)?, id),
            (Some(id), verb, None) if is(&kind, "sessions") && is(&verb, ":stop") => {
                (only(method, &Method::POST, ApiOperation::Stop, "POST")?, id)
            }
            _ => return Err(nothing()),
        };
        Ok(Self {
            operation,
            account: account.unwrap_or_default(),
            session,
        })
    }

    /// The session's id, checked.
    pub(in crate::host) fn session(&self) -> Result<SessionId, Problem> {
        let must = "The session ID must be 1 to 256 characters of A-Z, a-z, 0-9, '-' and '_'.";
        SessionId::new(&self.session).map_err(|_| Problem::bad(must))
    }
}

fn only(
    method: &Method,
    right: &Method,
    operation: ApiOperation,
    allowed: &'static str,
) -> Result<ApiOperation, Problem> {
    if method == right {
        Ok(operation)
    } else {
        Err(Problem::not_allowed(allowed))
    }
}

fn one(method: &Method) -> Result<ApiOperation, Problem> {
    match *method {
        Method::GET => Ok(ApiOperation::Get),
        Method::PUT => Ok(ApiOperation::Create),
        Method::PATCH => Ok(ApiOperation::Update),
        _ => Err(Problem::not_allowed("GET, PUT, PATCH")),
    }
}

/// A segment of a path with its percent-encoding undone.
fn decoded(segment: &str) -> Result<Cow<'_, str>, Problem> {
    let hex = |s: &str| {
        s.as_bytes()
            .get(..2)
            .is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
    };
    let whole = segment.split('%').skip(1).all(hex);
    let text = percent_decode_str(segment)
        .decode_utf8()
        .ok()
        .filter(|_| whole);
    text.ok_or_else(|| Problem::bad("The path has a bad percent-encoding."))
}

/// What stands behind the question mark.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query<'a> {
    versions: Vec<Cow<'a, str>>,
    after: Option<Cow<'a, str>>,
}

impl<'a> Query<'a> {
    pub(in crate::host) fn read(query: &'a str) -> Self {
        let mut read = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "api-version" if !read.versions.contains(&value) => read.versions.push(value),
                "after" => read.after = Some(value),
                _ => {}
            }
        }
        read
    }

    /// The version that is asked for, if it is spoken.
    pub(in crate::host) fn version(
        &self,
        operation: ApiOperation,
    ) -> Result<&'static str, Problem> {
        let spoken = if operation == ApiOperation::Token {
            TOKEN_VERSIONS
        } else {
            VERSIONS
        };
        let refused = |code, message| Err(Problem::new(StatusCode::BAD_REQUEST, code, message));
        match self.versions.as_slice() {
            // Microsoft's own script asks for its token without one.
            [] if operation == ApiOperation::Token => Ok(TOKEN_VERSIONS[0]),
            [] => refused(
                "ApiVersionUnspecified",
                "An API version is required, but was not specified.".into(),
            ),
            [one] => match spoken.iter().find(|v| *v == one) {
                Some(version) => Ok(version),
                None => refused(
                    "UnsupportedApiVersion",
                    format!("The api-version '{}' is not supported.", echoed(one)),
                ),
            },
            _ => refused(
                "AmbiguousApiVersion",
                "More than one api-version was specified.".into(),
            ),
        }
    }

    /// The session after which a page begins.
    pub(in crate::host) fn after(&self) -> Result<Option<SessionId>, Problem> {
        let bad = |_| Problem::bad("The 'after' value is not one of a @nextLink of this service.");
        self.after
            .as_deref()
            .map(SessionId::new)
            .transpose()
            .map_err(bad)
    }
}

/// A body's members. Those that mean nothing here are passed over, as the contract allows them.
fn object(body: &[u8]) -> Result<Map<String, Value>, Problem> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Problem::bad("The request body must be a JSON object.")),
        Err(e) => {
            let message = format!("The request body is not valid JSON: {e}.");
            Err(Problem::bad(message))
        }
    }
}

/// The most characters of a client's own text that an error repeats.
const LONGEST_ECHO: usize = 100;

/// As much of a client's own text as an error repeats.
fn echoed(text: &str) -> String {
    let mut echoed: String = text.chars().take(LONGEST_ECHO).collect();
    if echoed.len() < text.len() {
        echoed.push('…');
    }
    echoed
}

const NEGATIVE_ZERO: u64 = (-0.0_f64).to_bits();

fn lease(object: &Map<String, Value>) -> Result<Minutes, Problem> {
    let Some(value) = object.get("maxLeaseTimeMinutes") else {
        return Err(Problem::bad("The maxLeaseTimeMinutes value is required."));
    };
    // The reader takes `-0`, which is an integer too, for a fraction.
    let zero = || {
        value
            .as_f64()
            .filter(|n| n.to_bits() == NEGATIVE_ZERO)
            .map(|_| 0)
    };
    let huge = || value.as_u64().map(|_| i64::MAX);
    let Some(minutes) = value.as_i64().or_else(huge).or_else(zero) else {
        return Err(Problem::bad(
            "The maxLeaseTimeMinutes value must be an integer.",
        ));
    };
    if minutes < 0 {
        return Err(Problem::bad(
            "The maxLeaseTimeMinutes value cannot be negative.",
        ));
    }
    Ok(Minutes::new(u32::try_from(minutes).unwrap_or(u32::MAX)))
}

/// The settings of a create.
pub(super) fn settings(body: &[u8]) -> Result<(Size, Minutes), Problem> {
    let object = object(body)?;
    let lease = lease(&object)?;
    if lease > LARGEST_CREATE {
        return Err(Problem::bad(
            "The maxLeaseTimeMinutes value cannot be larger than 1440.",
        ));
    }
    match object
        .get("size")
        .and_then(Value::as_str)
        .map(|s| Size::from(s.to_owned()))
    {
        Some(size @ (Size::Standard | Size::Premium)) => Ok((size, lease)),
        _ => Err(Problem::bad(
            "The size value must be 'Standard' or 'Premium'.",
        )),
    }
}

/// The new total lease of an update.
pub(super) fn total(body: &[u8]) -> Result<Minutes, Problem> {
    lease(&object(body)?)
}
