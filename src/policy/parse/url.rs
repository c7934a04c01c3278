//! The parts of a URL that a policy is checked for.

/// The authority of a URL, as in `rendering.example:8443`; `None` where its scheme is none of
/// these.
pub(super) fn authority_of<'t>(url: &'t str, schemes: &[&str]) -> Option<&'t str> {
    let (scheme, rest) = url.split_once("://")?;
    schemes
        .contains(&scheme)
        .then(|| rest.split(['/', '?', '#']).next().unwrap_or_default())
}

/// The parts of an authority, as in `rendering.example:8443` or `[::1]:8787`.
pub(super) fn host_and_port(authority: &str) -> (&str, Option<&str>) {
    if let Some((host, rest)) = authority.strip_prefix('[').and_then(|a| a.split_once(']')) {
        return (host, rest.strip_prefix(':'));
    }
    match authority.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    }
}
