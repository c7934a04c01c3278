//! `[service]`: where the session service is.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::units::{Region, Span, is_uuid};

use super::reader::{Table, Value};
use super::url::host_and_port;
use crate::policy::region::{REGIONS, nearest_name};
use crate::policy::{Embedded, Location, ServiceConfig};

pub(super) fn service(table: Table<'_, '_>) -> Option<ServiceConfig> {
    let named = table.get("regions");
    let regions = named
        .as_ref()
        .and_then(Value::table)
        .map(|t| own_regions(&t))
        .unwrap_or_default();
    let location = location(&table, &regions);
    if let (Some(value), Some(Location::Embedded(_) | Location::Endpoint(_))) = (named, &location) {
        let help =
            Some("name one of them by `service.region`, and others by a pool's `regions`".into());
        value.warn(
            "`service.regions` is of no use here",
            "the service is not named by a region",
            help,
        );
    }
    let account_id = match &location {
        Some(location) if !is_embedded(location) => table
            .must("account_id", "\"00000000-0000-0000-0000-000000000000\"")
            .and_then(|v| uuid(&v)),
        _ => Some(
            table
                .get("account_id")
                .and_then(|v| uuid(&v))
                .unwrap_or_default(),
        ),
    };
    let account_domain = table
        .get("account_domain")
        .and_then(|v| v.str())
        .map(Into::into);
    let authentication_endpoint = table.get("authentication_endpoint").and_then(|v| url(&v));
    let timeout = table.get("timeout").map_or(Some(Span::seconds(20)), |v| {
        v.span_within(Span::seconds(1), Span::minutes(5))
    });
    let ca_file = table.get("ca_file").and_then(|v| v.str()).map(Into::into);
    table.end();
    Some(ServiceConfig {
        location: location?,
        regions,
        account_id: account_id?,
        account_domain,
        authentication_endpoint,
        timeout: timeout?,
        ca_file,
    })
}

/// Exactly one of embedded, endpoint and region.
fn location(table: &Table<'_, '_>, own: &BTreeMap<Region, String>) -> Option<Location> {
    let embedded = table.get("embedded").filter(|v| v.bool() == Some(true));
    let endpoint = table.get("endpoint");
    let region = table.get("region");
    let settings = embedded_settings(table);
    let given = [embedded.is_some(), endpoint.is_some(), region.is_some()]
        .into_iter()
        .filter(|g| *g)
        .count();
    if given != 1 {
        let help = "one of: embedded = true | endpoint = \"https://…\" | region = \"westeurope\"";
        let label = if given == 0 {
            "none of them is given"
        } else {
            "more than one is given"
        };
        let message = "`service` must say where the session service is, in exactly one way";
        table
            .notes
            .error(table.span.clone(), message, label, Some(help.into()));
    }
    let region = region.map(|v| region_name(&v, own));
    let endpoint = endpoint.map(|v| url(&v));
    match (embedded, endpoint, region) {
        (Some(_), _, _) => settings.map(Location::Embedded),
        (None, Some(endpoint), _) => endpoint.map(Location::Endpoint),
        (None, None, region) => region.flatten().map(Location::Region),
    }
}

fn embedded_settings(table: &Table<'_, '_>) -> Option<Embedded> {
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    let listen = table.get("listen").map_or(Some(any_port), |v| loopback(&v));
    let boot_delay = table.get("boot_delay").map_or(Some(Span::seconds(5)), |v| {
        v.span_within(Span::ZERO, Span::hours(1))
    });
    let capacity = table
        .get("capacity")
        .map_or(Some(16), |v| v.int_within(0, 100_000));
    Some(Embedded {
        listen: listen?,
        boot_delay: boot_delay?,
        capacity: capacity?,
    })
}

fn loopback(value: &Value<'_, '_>) -> Option<SocketAddr> {
    let address: SocketAddr = value.parse()?;
    if address.ip().is_loopback() {
        return Some(address);
    }
    value.error(
        "the embedded service speaks plain HTTP",
        "must be a loopback address, such as 127.0.0.1:0",
        None,
    );
    None
}

/// The studio's own regions: names and their endpoints.
fn own_regions(table: &Table<'_, '_>) -> BTreeMap<Region, String> {
    let mut regions = BTreeMap::new();
    for (name, span, value) in table.entries() {
        match (Region::new(name), url(&value)) {
            (Err(error), _) => table.notes.error(span, error, "not a name", None),
            (Ok(_), Some(url)) if regions.values().any(|known| *known == url) => {
                value.error(
                    "two regions have the same endpoint",
                    "its sessions would be seen twice",
                    None,
                );
            }
            (Ok(region), Some(url)) => drop(regions.insert(region, url)),
            (Ok(_), None) => {}
        }
    }
    regions
}

/// The name of a region that is there: one of the studio's own, or of the public service.
pub(super) fn region_name(value: &Value<'_, '_>, own: &BTreeMap<Region, String>) -> Option<Region> {
    let region: Region = value.parse()?;
    if own.contains_key(&region) || REGIONS.contains(&region.as_str()) {
        return Some(region);
    }
    let near = nearest_name(region.as_str());
    let label = near.map_or_else(
        || "unknown".into(),
        |near| format!("did you mean {near:?}?"),
    );
    let mut known: Vec<&str> = own.keys().map(Region::as_str).collect();
    known.extend(REGIONS);
    let help = format!(
        "the regions are {}; `[service.regions]` names others",
        known.join(", ")
    );
    value.error(
        format!("{:?} is not a region", region.as_str()),
        label,
        Some(help),
    );
    None
}

fn uuid(value: &Value<'_, '_>) -> Option<String> {
    let text = value.str()?;
    if is_uuid(text) {
        return Some(text.into());
    }
    value.error(
        "an account id is a UUID",
        "not 00000000-0000-0000-0000-000000000000 in form",
        None,
    );
    None
}

/// An https URL, or an http one to this machine itself: a token must not travel in clear.
pub(super) fn url(value: &Value<'_, '_>) -> Option<String> {
    let text = value.str()?;
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = host_and_port(authority);
    let local = host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback());
    // What stands before an `@` is a password, and is not quoted.
    let port = port.filter(|_| !authority.contains('@'));
    if let Some(port) = port.filter(|port| port.parse::<u16>().is_err()) {
        value.error(
            format!("{port:?} is not a port"),
            "a port is a number up to 65535",
            None,
        );
        return None;
    }
    match scheme {
        _ if host.is_empty() || text.contains(char::is_whitespace) || authority.contains('@') => {
            value.error(
                "this is not a URL",
                "write it like \"https://rendering.example\"",
                None,
            );
        }
        "https" => return Some(text.into()),
        "http" if local => return Some(text.into()),
        "http" => {
            let help = Some("plain http is for loopback addresses only".into());
            value.error(
                "the access token would travel in clear",
                "must be https",
                help,
            );
        }
        _ => value.error("this is not a URL", "must begin with https://", None),
    }
    None
}

/// Whether the location is the embedded service.
pub(super) fn is_embedded(location: &Location) -> bool {
    matches!(location, Location::Embedded(_))
}
