//! Understanding what the service sent: from bytes to sessions, pages and links, or to an error
//! that names the place.
//!
//! Promises: nothing panics, whatever the bytes; nothing that is kept or told is longer than its
//! bound, and none of it holds control characters, because it goes into logs, the ledger and
//! terminals.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::keeper::Session;
use crate::service::{Operation, ServiceError, SessionReading};
use crate::units::{Region, Secret, SessionId};

use super::convert::session_of;
use super::error::garbled;
use super::reply::Reply;
use super::text::sanitize;
use super::wire::{SessionBody, TokenBody};

/// One page of a list, as it was sent.
#[derive(Deserialize)]
struct PageBody {
    #[serde(default)]
    sessions: Option<Vec<Value>>,
    #[serde(rename = "@nextLink", default)]
    next_link: Option<String>,
}

/// One page of a list.
#[derive(Debug, Default)]
pub(in crate::arr) struct Page {
    pub(in crate::arr) sessions: Vec<Session>,
    /// What could not be read: the id, where there is one, and why not.
    pub(in crate::arr) unreadable: Vec<String>,
    /// Where the next page is.
    pub(in crate::arr) next: Option<Url>,
}

/// Where a reply came from, and what it answers.
#[derive(Clone, Copy)]
pub(in crate::arr) struct Source<'a> {
    pub(in crate::arr) operation: Operation,
    pub(in crate::arr) endpoint: &'a Url,
    pub(in crate::arr) region: Option<&'a Region>,
}

impl Source<'_> {
    fn wrong(&self, session: Option<&SessionId>, reply: &Reply, why: &str) -> ServiceError {
        garbled(self.operation, session, reply, &sanitize(why))
    }

    /// An answer about one session, which must be the one that was asked for.
    pub(in crate::arr) fn answer(
        &self,
        wanted: Option<&SessionId>,
        reply: &Reply,
    ) -> Result<SessionReading, ServiceError> {
        let wrong = |why: &str| self.wrong(wanted, reply, why);
        let body: SessionBody = read(reply).map_err(|e| wrong(&e))?;
        let session = self.session(body).map_err(|e| wrong(&e))?;
        if wanted.is_some_and(|id| *id != session.id) {
            return Err(wrong(&format!("it describes session {}", session.id)));
        }
        Ok(SessionReading {
            sent: reply.sent,
            received: reply.received,
            session,
        })
    }

    /// One page of a list, and where the next one is. An entry that cannot be read is left out: it
    /// says nothing of the others.
    pub(in crate::arr) fn page(&self, reply: &Reply) -> Result<Page, ServiceError> {
        let wrong = |why: &str| self.wrong(None, reply, why);
        let body: PageBody = read(reply).map_err(|e| wrong(&e))?;
        let mut page = Page::default();
        for entry in body.sessions.unwrap_or_default() {
            let id = entry["id"].as_str().map_or("?".into(), sanitize);
            let read = SessionBody::deserialize(entry).map_err(|e| e.to_string());
            match read.and_then(|body| self.session(body)) {
                Ok(session) => page.sessions.push(session),
                Err(why) => page.unreadable.push(format!("{id}: {}", sanitize(&why))),
            }
        }
        let next = body.next_link.filter(|link| !link.is_empty());
        let next = next.map(|link| self.next_page(&link).map_err(|e| wrong(&e)));
        page.next = next.transpose()?;
        Ok(page)
    }

    /// What a body describes, and where.
    fn session(&self, body: SessionBody) -> Result<Session, String> {
        let session = session_of(body).map_err(|e| e.to_string())?;
        Ok(Session {
            region: self.region.cloned(),
            ..session
        })
    }

    /// The next page of a list, which must be on the same host.
    fn next_page(&self, link: &str) -> Result<Url, String> {
        let next = self
            .endpoint
            .join(link)
            .map_err(|e| format!("@nextLink is not a URL: {e}: {}", sanitize(link)))?;
        if next.origin() == self.endpoint.origin() {
            return Ok(next);
        }
        let to = next.origin().ascii_serialization();
        Err(format!(
            "@nextLink leads to {}, and the token goes to no other host",
            sanitize(&to)
        ))
    }
}

/// What the STS calls an access token.
pub(in crate::arr) fn token_in(reply: &Reply) -> Result<Secret, ServiceError> {
    let wrong = |why| garbled(Operation::Token, None, reply, why);
    let body: TokenBody =
        serde_json::from_slice(&reply.body).map_err(|_| wrong("no AccessToken in it"))?;
    let token = Secret::new(&body.access_token);
    // What no header can carry is no token (RFC 6750, section 2.1).
    let sound = |c: u8| c.is_ascii_graphic();
    if token.expose().is_empty() || !token.expose().bytes().all(sound) {
        return Err(wrong("its AccessToken is not a token"));
    }
    Ok(token)
}

fn read<T: DeserializeOwned>(reply: &Reply) -> Result<T, String> {
    serde_json::from_slice(&reply.body).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::arr::protocol::error::failure;
    use crate::arr::protocol::text::MOST_SHOWN;
    use crate::units::Timestamp;

    const SESSION: &str = r#"{"id":"s-1","creationTime":"2021-03-22T17:11:23.214787+00:00",
        "status":"Error","size":"Standard","maxLeaseTimeMinutes":20,"elapsedTimeMinutes":3,
        "hostname":"vm","handshakePort":50000,"arrInspectorPort":null,"teraflops":8.1,
        "error":{"code":"c","message":"m","details":[{}],"innerError":{"code":"i"}}}"#;
    /// The longest an error may be: a sentence of ours around two foreign texts.
    const LONGEST: usize = 4 * MOST_SHOWN;

    fn reply(status: u16, body: &[u8]) -> Reply {
        Reply {
            sent: Timestamp::default(),
            received: Timestamp::default(),
            status,
            request_id: None,
            retry_after: None,
            location: None,
            date: None,
            body: body.to_vec(),
        }
    }

    fn endpoint() -> Url {
        Url::parse("https://render.example").expect("a URL")
    }

    fn source(endpoint: &Url) -> Source<'_> {
        Source {
            operation: Operation::Get,
            endpoint,
            region: None,
        }
    }

    fn tame(text: &str) -> Result<(), TestCaseError> {
        prop_assert!(
            text.chars().count() <= LONGEST && !text.contains(char::is_control),
            "{:?}",
            text
        );
        Ok(())
    }

    /// Nothing of a session is longer than its bound, and it is told without control characters.
    fn tame_session(session: &Session) -> Result<(), TestCaseError> {
        for word in [
            Some(session.status.as_str()),
            Some(session.size.as_str()),
            session.address.as_ref().map(|a| a.hostname.as_str()),
        ] {
            tame(word.unwrap_or_default())?;
        }
        tame(session.error.as_deref().unwrap_or_default())?;
        tame(session.teraflops.as_deref().unwrap_or_default())
    }

    fn check(body: &[u8]) -> Result<(), TestCaseError> {
        let endpoint = endpoint();
        match source(&endpoint).answer(None, &reply(200, body)) {
            Ok(answer) => tame_session(&answer.session)?,
            Err(error) => {
                tame(&error.to_string())?;
                prop_assert!(
                    error.to_string().contains("is not what the protocol says"),
                    "{}",
                    error
                );
            }
        }
        match source(&endpoint).page(&reply(200, body)) {
            Ok(Page {
                sessions,
                unreadable,
                next,
            }) => {
                for entry in &unreadable {
                    tame(entry)?;
                }
                sessions.iter().try_for_each(tame_session)?;
                prop_assert!(next.is_none_or(|n| n.origin() == endpoint.origin()));
            }
            Err(error) => tame(&error.to_string())?,
        }
        Ok(())
    }

    /// A text with a stretch of it replaced.
    fn changed(text: &str, at: usize, cut: usize, paste: &[u8]) -> Vec<u8> {
        let at = at % text.len();
        let end = (at + cut).min(text.len());
        [&text.as_bytes()[..at], paste, &text.as_bytes()[end..]].concat()
    }

    proptest! {
        #[test]
        fn any_bytes_are_understood_or_refused_in_a_few_plain_words(
            body in vec(any::<u8>(), 0..200),
        ) {
            check(&body)?;
        }

        #[test]
        fn any_change_to_a_session_or_a_list_is_understood_or_refused_in_a_few_plain_words(
            at: usize,
            cut in 0usize..30,
            paste in vec(any::<u8>(), 0..20),
            word in "[\\PC\\x00-\\x1f]{0,2000}",
        ) {
            let next = "\"/accounts/a/sessions?page=2\"";
            let list = format!(r#"{{"sessions":[{SESSION},{SESSION}],"@nextLink":{next}}}"#);
            check(&changed(SESSION, at, cut, &paste))?;
            check(&changed(&list, at, cut, &paste))?;
            let word = serde_json::to_string(&word).expect("text");
            let texts = ["Error", "Standard", "s-1", "vm", "m", "i"];
            let texts = texts.map(|text| format!("{text:?}"));
            for field in texts.iter().map(String::as_str).chain(["8.1", "50000"]) {
                check(SESSION.replace(field, &word).as_bytes())?;
                check(list.replace(field, &word).as_bytes())?;
            }
            check(list.replace(next, &word).as_bytes())?;
        }

        #[test]
        fn any_answer_that_is_no_success_is_told_in_a_few_plain_words(
            status in 100u16..600,
            body in vec(any::<u8>(), 0..200),
            message in "[\\PC\\x00-\\x1f]{0,2000}",
            location in "[\\PC\\x00-\\x1f]{0,2000}",
        ) {
            let inner = serde_json::json!({"message": message});
            let message = serde_json::json!({
                "error": {"code": "c", "message": message, "innerError": inner}
            });
            for body in [body, message.to_string().into_bytes()] {
                let reply = Reply { location: Some(location.clone()), ..reply(status, &body) };
                let now = Timestamp::default();
                let told = failure(Operation::Extend, None, &endpoint(), &reply, now);
                tame(&told.to_string())?;
            }
        }

        #[test]
        fn any_answer_of_the_token_service_is_a_token_or_refused_without_showing_it(
            body in vec(any::<u8>(), 0..200), token in "[\\PC\\x00-\\x1f]{0,40}",
        ) {
            let told = serde_json::json!({"AccessToken": token}).to_string();
            for body in [body, told.into_bytes()] {
                match token_in(&reply(200, &body)) {
                    Ok(token) => {
                        let token = token.expose();
                        prop_assert!(!token.is_empty());
                        prop_assert!(token.bytes().all(|b| b.is_ascii_graphic()));
                    }
                    Err(error) => {
                        tame(&error.to_string())?;
                        let shown = error.to_string().contains(&token);
                        prop_assert!(token.len() < 8 || !shown, "{}", error);
                    }
                }
            }
        }
    }

    #[test]
    fn an_entry_that_cannot_be_read_is_left_out_and_named_and_all_others_count() {
        let endpoint = endpoint();
        let left_out = |entry: &str| {
            let list = format!(r#"{{"sessions":[{SESSION},{entry},{SESSION}]}}"#);
            let page = source(&endpoint).page(&reply(200, list.as_bytes()));
            let page = page.expect("a page");
            assert_eq!(page.sessions.len(), 2, "{entry}");
            page.unreadable.join("\n")
        };
        let odd = left_out(r#"{"id":"odd","status":"Ready","maxLeaseTimeMinutes":-4}"#);
        assert_eq!(
            odd,
            "odd: the service described a session that cannot be: maxLeaseTimeMinutes is -4"
        );
        let number = left_out(r#"{"id":7,"status":"Ready"}"#);
        assert_eq!(number, "?: invalid type: integer `7`, expected a string");
        assert!(left_out("[]").starts_with("?: "));
        let nested = left_out(r#"{"id":"n","status":"Error","error":{"innerError":7}}"#);
        assert!(nested.starts_with("n: invalid type"), "{nested}");
    }

    #[test]
    fn a_list_that_is_too_deep_to_read_is_refused() {
        let endpoint = endpoint();
        let deep = format!(
            "{}{}",
            r#"{"a":"#.repeat(100_000),
            "1".to_owned() + &"}".repeat(100_000)
        );
        let list = format!(r#"{{"sessions":[{deep}]}}"#);
        let page = source(&endpoint).page(&reply(200, list.as_bytes()));
        let why = page.expect_err("refused").detail;
        assert!(why.contains("recursion limit exceeded"), "{why}");
    }

    #[test]
    fn the_nulls_of_2021_mean_nothing_in_lists_and_errors_too() {
        let endpoint = endpoint();
        let body = br#"{"sessions":null,"@nextLink":null}"#;
        let page = source(&endpoint).page(&reply(200, body));
        let page = page.expect("an empty page");
        assert!(page.sessions.is_empty() && page.unreadable.is_empty() && page.next.is_none());
        let body = br#"{"error":{"code":"Bad","message":null,"details":null,"target":null,
            "innerError":null}}"#;
        let told = failure(
            Operation::Get,
            None,
            &endpoint,
            &reply(400, body),
            Timestamp::default(),
        );
        assert!(
            told.detail.ends_with("refused the request (400): Bad"),
            "{}",
            told.detail
        );
    }
}
