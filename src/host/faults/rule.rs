//! One rule, read: `OPERATION:EFFECT[,KEY=VALUE…]`.

use std::str::FromStr;

use crate::host::http::operation::ApiOperation;

use super::bad_rule::BadRule;
use super::effect::{Effect, Range};
use super::pairs::Pairs;

/// The grammar, for the help text and for errors.
pub const GRAMMAR: &str = "\
A rule reads OPERATION:EFFECT[,KEY=VALUE…].
  OPERATION  create, get, update, stop, list, token, any; boot for servers; several joined by +
  EFFECT     delay,by=SPAN          the answer comes late
             429[,retry-after=SPAN] throttled; 1s unless told
             500, 503[,retry-after=SPAN]
             reset-before           the connection is reset, nothing is done
             reset-after            it is done, and the connection is reset
             html                   it is done, and a proxy's page comes back
             alter,FIELD=…          an answer that is not so (create, get, update, list):
                                    elapsed=N, elapsed-by=±N, lease=N, lease-by=±N,
                                    status=WORD, size=WORD, without=address
             short,to=SPAN|by=SPAN  a shorter lease is granted than was asked for
                                    (create, update)
             stale,by=SPAN          a list as it was so long ago (list)
             garbled[,nth=N]        an entry of the list cannot be read (list)
             omitted[,nth=N]        an entry of the list is left out (list)
             circle                 a list whose next page is itself (list)
             out-of-servers[,size=standard|premium]  sessions end in Error (boot)
             slow,by=SPAN           a boot takes longer (boot)
             fail                   the server does not come up (boot)
  KEY        probability=0.3        of those that match, by chance
             skip=N                 spare the first N
             every=N                only each Nth after that
             times=N                at most N times
Examples: get+list:429,retry-after=2s,times=3   create:reset-after,probability=0.2
          boot:out-of-servers,size=standard";

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Any,
    One(ApiOperation),
    Boot,
}

/// One rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub(super) subjects: Vec<Subject>,
    pub(super) effect: Effect,
    pub(super) probability: f64,
    pub(super) skip: u64,
    pub(super) every: u64,
    pub(super) times: u64,
}

/// The keys that every effect has.
const WHEN: [&str; 4] = ["probability", "skip", "every", "times"];

impl Rule {
    /// Reads a rule from its parts, wherever they stood.
    pub(super) fn read(on: &str, effect: &str, pairs: Vec<(&str, &str)>) -> Result<Self, BadRule> {
        if let Some((key, _)) = pairs
            .iter()
            .enumerate()
            .find(|(i, p)| pairs[..*i].iter().any(|q| q.0 == p.0))
            .map(|(_, p)| p)
        {
            return Err(BadRule::Twice((*key).into()));
        }
        let subjects: Vec<Subject> = on.split('+').map(subject).collect::<Result<_, _>>()?;
        let mut pairs = Pairs { effect, pairs };
        let (parsed, keys, range) = Effect::read(effect, &mut pairs)?;
        let (right, fits) = reach(range);
        if !subjects.iter().all(fits) {
            return Err(BadRule::Mismatch {
                effect: effect.into(),
                subject: on.into(),
                right,
            });
        }
        let probability = pairs.read("probability", |text| match text.parse::<f64>() {
            Ok(p) if (0.0..=1.0).contains(&p) => Ok(p),
            _ => Err("a number from 0 to 1"),
        })?;
        let rule = Self {
            subjects,
            effect: parsed,
            probability: probability.unwrap_or(1.0),
            skip: pairs.count("skip", 0)?.unwrap_or(0),
            every: pairs.count("every", 1)?.unwrap_or(1),
            times: pairs.count("times", 1)?.unwrap_or(u64::MAX),
        };
        match pairs.pairs.first() {
            Some((key, _)) => {
                let allowed = [keys, &WHEN].concat().join(", ");
                Err(BadRule::Key {
                    key: (*key).into(),
                    effect: effect.into(),
                    allowed,
                })
            }
            None => Ok(rule),
        }
    }
}

/// What an effect can happen to, in words, and as a test.
fn reach(range: Range) -> (&'static str, fn(&Subject) -> bool) {
    use ApiOperation::{Create, Get, List, Update};
    match range {
        Range::Requests => ("create, get, update, stop, list, token, any", |s| {
            *s != Subject::Boot
        }),
        Range::Sessions => ("create, get, update, list", |s| {
            matches!(s, Subject::One(Create | Get | Update | List))
        }),
        Range::Leases => ("create, update", |s| {
            matches!(s, Subject::One(Create | Update))
        }),
        Range::Lists => ("list", |s| *s == Subject::One(List)),
        Range::Boots => ("boot", |s| *s == Subject::Boot),
    }
}

fn subject(word: &str) -> Result<Subject, BadRule> {
    Ok(match word {
        "any" => Subject::Any,
        "boot" => Subject::Boot,
        "create" => Subject::One(ApiOperation::Create),
        "get" => Subject::One(ApiOperation::Get),
        "update" => Subject::One(ApiOperation::Update),
        "stop" => Subject::One(ApiOperation::Stop),
        "list" => Subject::One(ApiOperation::List),
        "token" => Subject::One(ApiOperation::Token),
        _ => return Err(BadRule::Operation(word.into())),
    })
}

impl FromStr for Rule {
    type Err = BadRule;
    fn from_str(text: &str) -> Result<Self, BadRule> {
        let (on, rest) = text.split_once(':').ok_or(BadRule::Form)?;
        let mut parts = rest.split(',').map(str::trim);
        let effect = parts.next().unwrap_or_default();
        let pairs = parts
            .map(|p| p.split_once('=').ok_or(BadRule::Form))
            .collect::<Result<_, _>>()?;
        Self::read(on.trim(), effect, pairs)
    }
}
