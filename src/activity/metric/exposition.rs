//! Pages of samples in the text format of Prometheus (0.0.4) or OpenMetrics (1.0).
//!
//! It is strict: a page of which one line is not understood, or which does not end where a line
//! does, is no page, for whatever was cut off or mistaken may be what is asked for. Types, units
//! and help are passed over, and so are timestamps and exemplars. Pure; it never panics.

use std::collections::BTreeMap;

/// One sample of a page.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) value: f64,
}

/// Why a page cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the page is not in the text format of Prometheus or OpenMetrics: {why}")]
pub(super) struct BadPage {
    /// Which line, from 1.
    line: usize,
    why: &'static str,
}

/// All samples of a page, in its order.
pub(super) fn samples(page: &str) -> Result<Vec<Sample>, BadPage> {
    let mut samples = Vec::new();
    let mut is_over = false;
    for (line, text) in (1..).zip(page.split_inclusive('\n')) {
        let bad = |why| BadPage { line, why };
        let text = text.strip_suffix('\n').ok_or(bad("it has no end"))?;
        let text = text.strip_suffix('\r').unwrap_or(text);
        if is_over {
            return Err(bad("it stands after `# EOF`"));
        }
        is_over = text == "# EOF";
        let mut rest = Rest(text);
        rest.skip_spaces();
        if rest.0.is_empty() || rest.0.starts_with('#') {
            continue;
        }
        samples.push(rest.sample().map_err(bad)?);
    }
    Ok(samples)
}

/// What is left of a line.
struct Rest<'t>(&'t str);

impl<'t> Rest<'t> {
    fn skip_spaces(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }

    fn eat(&mut self, wanted: char) -> bool {
        let rest = self.0.strip_prefix(wanted);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// What there is up to the first character that does not fit.
    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> &'t str {
        let end = self.0.find(|c| !fits(c)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        self.0 = rest;
        taken
    }

    fn identifier(&mut self, colons: bool) -> Option<&'t str> {
        let name =
            self.take_while(|c| c.is_ascii_alphanumeric() || c == '_' || (colons && c == ':'));
        name.starts_with(|c: char| !c.is_ascii_digit())
            .then_some(name)
    }

    fn sample(&mut self) -> Result<Sample, &'static str> {
        let name = self.identifier(true).ok_or("it begins with no name")?;
        self.skip_spaces();
        let labels = match self.eat('{') {
            true => self.labels()?,
            false => BTreeMap::new(),
        };
        self.skip_spaces();
        let value = self.number().ok_or("it has no number for its value")?;
        self.skip_spaces();
        if !self.0.is_empty() && !self.0.starts_with('#') {
            self.number().ok_or("its timestamp is no number")?;
            self.skip_spaces();
        }
        // An exemplar begins like a comment.
        if !self.0.is_empty() && !self.0.starts_with('#') {
            return Err("something stands after its value");
        }
        Ok(Sample {
            name: name.into(),
            labels,
            value,
        })
    }

    fn number(&mut self) -> Option<f64> {
        self.take_while(|c| c != ' ' && c != '\t').parse().ok()
    }

    /// Labels, after their opening brace.
    fn labels(&mut self) -> Result<BTreeMap<String, String>, &'static str> {
        let mut labels = BTreeMap::new();
        loop {
            self.skip_spaces();
            if self.eat('}') {
                return Ok(labels);
            }
            let name = self.identifier(false).ok_or("a label has no name")?;
            self.skip_spaces();
            if !self.eat('=') {
                return Err("a label has no value");
            }
            self.skip_spaces();
            let value = self.quoted()?;
            if labels.insert(name.into(), value).is_some() {
                return Err("a label stands twice");
            }
            self.skip_spaces();
            if !self.eat(',') && !self.0.starts_with('}') {
                return Err("its labels do not end");
            }
        }
    }

    fn quoted(&mut self) -> Result<String, &'static str> {
        if !self.eat('"') {
            return Err("the value of a label is not in quotes");
        }
        let mut value = String::new();
        loop {
            value.push_str(self.take_while(|c| c != '"' && c != '\\'));
            if self.eat('"') {
                return Ok(value);
            }
            if !self.eat('\\') {
                return Err("the value of a label does not end");
            }
            value.push(match self.0.chars().next() {
                Some('n') => '\n',
                Some(escaped @ ('\\' | '"')) => escaped,
                _ => return Err("a backslash stands before what it cannot escape"),
            });
            self.0 = &self.0[1..];
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PROMETHEUS: &str = include_str!("pages/prometheus.txt");
    const OPENMETRICS: &str = include_str!("pages/openmetrics.txt");
    const DCGM: &str = include_str!("pages/dcgm.txt");

    fn labels(all: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = |(name, value): &(&str, &str)| ((*name).into(), (*value).into());
        all.iter().map(owned).collect()
    }

    fn named(page: &str, name: &str) -> Vec<(BTreeMap<String, String>, f64)> {
        let samples = samples(page).expect("it can be read").into_iter();
        let meant = samples.filter(|sample| sample.name == name);
        meant.map(|sample| (sample.labels, sample.value)).collect()
    }

    #[test]
    fn the_same_figures_are_on_both_pages_of_the_python_client() {
        for page in [PROMETHEUS, OPENMETRICS] {
            let quoted = [("session", "st-a-0-x"), ("title", "the \"old\" house")];
            let escaped = [("session", "st-a-1-y"), ("title", "back\\slash\nand line")];
            let players = [(labels(&quoted), 2.0), (labels(&escaped), 0.0)];
            assert_eq!(named(page, "stream_players"), players);
            let frames = [(labels(&[("session", "st-a-0-x")]), 1.5e9)];
            assert_eq!(named(page, "stream_frames_total"), frames);
            let buckets = named(page, "stream_frame_seconds_bucket");
            assert_eq!(buckets.len(), 3);
            assert_eq!(buckets[2], (labels(&[("le", "+Inf")]), 2.0));
            let bitrate = named(page, "stream_bitrate");
            assert!(bitrate[0].1.is_nan());
            assert_eq!(samples(page).expect("it can be read").len(), 12);
        }
    }

    #[test]
    fn each_gpu_of_a_dcgm_exporter_has_its_own_sample() {
        let used = named(DCGM, "DCGM_FI_DEV_GPU_UTIL");
        let by_gpu: Vec<_> = used.iter().map(|(l, v)| (l["gpu"].as_str(), *v)).collect();
        assert_eq!(by_gpu, [("0", 97.0), ("1", 0.0)]);
        assert_eq!(used[0].0["modelName"], "NVIDIA L4");
        let power = named(DCGM, "DCGM_FI_DEV_POWER_USAGE")[1].1;
        assert_eq!(power.to_string(), "16.365");
        assert_eq!(samples(DCGM).expect("it can be read").len(), 16);
    }

    #[test]
    fn what_the_format_allows_is_read() {
        for (line, expected, value) in [
            ("a 1", &[][..], 1.0),
            ("\ta:b\t -1e-3\t1700000000000", &[], -0.001),
            ("a{} +Inf", &[], f64::INFINITY),
            ("a { b = \"c\" , } 0x", &[], f64::NAN),
            (
                "a{b=\"}\",c=\"\"} 2 1.5 # {t=\"7\"} 1",
                &[("b", "}"), ("c", "")],
                2.0,
            ),
            ("a 3\r", &[], 3.0),
        ] {
            let read = samples(&format!("\n# a comment\n#\n{line}\n"));
            if value.is_nan() {
                let why = read.expect_err("hexadecimal numbers are not read").why;
                assert_eq!(why, "it has no number for its value");
                continue;
            }
            let read = read.expect("it can be read");
            assert_eq!((&read[0].labels, read[0].value), (&labels(expected), value));
        }
        assert_eq!(samples("").expect("an empty page"), []);
    }

    #[test]
    fn what_is_cut_off_or_mistaken_makes_the_page_unreadable_at_its_line() {
        for (text, line, why) in [
            ("a 1\nb 12", 2, "it has no end"),
            ("# EOF\na 1\n", 2, "it stands after `# EOF`"),
            ("<html>\n", 1, "it begins with no name"),
            ("1a 2\n", 1, "it begins with no name"),
            ("a\n", 1, "it has no number for its value"),
            ("a b\n", 1, "it has no number for its value"),
            ("a 1 soon\n", 1, "its timestamp is no number"),
            ("a 1 2 3\n", 1, "something stands after its value"),
            ("a{b=\"c\" 1\n", 1, "its labels do not end"),
            ("a{b=\"c\"d=\"e\"} 1\n", 1, "its labels do not end"),
            ("a{b} 1\n", 1, "a label has no value"),
            ("a{b=c} 1\n", 1, "the value of a label is not in quotes"),
            ("a{b=\"c} 1\n", 1, "the value of a label does not end"),
            ("a{\"b\",} 1\n", 1, "a label has no name"),
            ("a{b=\"1\",b=\"2\"} 1\n", 1, "a label stands twice"),
            (
                "a{b=\"\\x\"} 1\n",
                1,
                "a backslash stands before what it cannot escape",
            ),
        ] {
            assert_eq!(samples(text), Err(BadPage { line, why }), "{text}");
        }
    }

    fn written(sample: &Sample) -> String {
        let escaped = |value: &str| {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"");
            value.replace('\n', "\\n")
        };
        let labels = sample.labels.iter();
        let labels: Vec<_> = labels
            .map(|(n, v)| format!("{n}=\"{}\"", escaped(v)))
            .collect();
        format!("{}{{{}}} {}\n", sample.name, labels.join(","), sample.value)
    }

    fn any_sample() -> impl Strategy<Value = Sample> {
        let labels = proptest::collection::btree_map(
            "[a-zA-Z_][a-zA-Z0-9_]{0,5}",
            ".{0,6}|[\"\\\\\n},]{0,4}",
            0..4,
        );
        let value = any::<f64>().prop_filter("a number", |value| !value.is_nan());
        ("[a-zA-Z_:][a-zA-Z0-9_:]{0,8}", labels, value).prop_map(|(name, labels, value)| Sample {
            name,
            labels,
            value,
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(all in proptest::collection::vec(any_sample(), 0..4)) {
            let page: String = all.iter().map(written).collect();
            prop_assert_eq!(samples(&page), Ok(all));
        }

        #[test]
        fn no_text_makes_it_panic(text in "(\\PC|[ {}\"=,#\\\\\n\r\t]){0,60}") {
            let _ = samples(&text);
        }

        #[test]
        fn no_cut_or_paste_makes_it_panic(
            at in 0..DCGM.len(), cut in 0usize..90, paste in "(\\PC|[{}\"=,\\\\\n]){0,6}",
        ) {
            let end = (at + cut).min(DCGM.len());
            let _ = samples(&format!("{}{paste}{}", &DCGM[..at], &DCGM[end..]));
        }

        #[test]
        fn no_page_that_is_cut_off_reads_as_another_value(at in 0..PROMETHEUS.len()) {
            let whole = samples(PROMETHEUS).expect("it can be read");
            if let Ok(found) = samples(&PROMETHEUS[..at]) {
                let same = |(a, b): (&Sample, &Sample)| a.name == b.name && a.labels == b.labels
                    && a.value.to_bits() == b.value.to_bits();
                prop_assert!(found.iter().zip(&whole).all(same));
            }
        }
    }
}
