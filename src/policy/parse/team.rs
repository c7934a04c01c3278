//! `[[team]]`: how an entry of the policy becomes a team.

use std::collections::BTreeSet;

use crate::policy::{Budget, Team};
use crate::units::{ClientName, TeamName};

use super::budget::periods;
use super::reader::{Table, Value};

/// No team holds more sessions than a pool can have.
const MOST_HOLDS: u32 = 10_000;

/// Every team of the policy. A client in two of them would have two budgets.
pub(super) fn teams(root: &Table<'_, '_>) -> Vec<Team> {
    let Some(value) = root.get("team") else {
        return Vec::new();
    };
    if value.is_table() {
        value.error(
            "a policy has a list of teams",
            "write [[team]], in double brackets, above each",
            None,
        );
        return Vec::new();
    }
    let mut teams: Vec<Team> = Vec::new();
    for entry in value.array().unwrap_or_default() {
        let Some(team) = entry.table().and_then(|table| team(table, &teams)) else {
            continue;
        };
        if teams.iter().any(|other| other.name == team.name) {
            entry.error(
                format!("there are two teams named {:?}", team.name.as_str()),
                "this is the second",
                None,
            );
        }
        teams.push(team);
    }
    teams
}

fn team(table: Table<'_, '_>, others: &[Team]) -> Option<Team> {
    let name: Option<TeamName> = table.must("name", "\"lighting\"").and_then(|v| v.parse());
    let members = table
        .get("members")
        .and_then(|v| v.array())
        .unwrap_or_default();
    let members = members.iter().filter_map(|v| member(v, others)).collect();
    let budget =
        table
            .get("budget")
            .and_then(|v| v.table())
            .map_or_else(Budget::default, |table| {
                let budget = periods(&table);
                table.end();
                budget
            });
    let max = table
        .get("max")
        .map_or(Some(None), |v| v.int_within(0, MOST_HOLDS).map(Some));
    table.end();
    let members: BTreeSet<ClientName> = members;
    Some(Team {
        name: name?,
        members,
        budget,
        max: max?,
    })
}

fn member(value: &Value<'_, '_>, others: &[Team]) -> Option<ClientName> {
    let client: ClientName = value.parse()?;
    let other = others.iter().find(|team| team.members.contains(&client));
    if let Some(other) = other {
        value.error(
            format!("{:?} is a member of two teams", client.as_str()),
            format!("is in team {:?} already", other.name.as_str()),
            Some("who works for both says which with `acquire --team`".into()),
        );
    }
    Some(client)
}
