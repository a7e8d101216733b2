//! Files the binary carries: each with its kind, its tag, and its text packed once.

use std::borrow::Cow;
use std::io::{Read, Write};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use xxhash_rust::xxh3::xxh3_64;

use super::answer::{is_known, put};
use super::error::{Answer, ApiError};

/// The files of a folder beside this one: `files!("page"; "index.html", "style.css")`.
macro_rules! files {
    ($folder:literal; $($name:literal),+ $(,)?) => {
        [$(($name, include_bytes!(concat!($folder, "/", $name)).as_slice())),+]
    };
}
pub(super) use files;

/// Marks an answer that is not packed any further: packing some megabytes anew for each who asks would
/// cost more than it saves.
#[derive(Clone, Copy)]
pub(super) struct AsItIs;

/// A file as it is served.
pub(super) struct File {
    kind: &'static str,
    tag: String,
    packed: Bytes,
}

impl File {
    /// A file of this name and text.
    pub(super) fn new(name: &str, text: &[u8]) -> Self {
        let mut packer = GzEncoder::new(Vec::new(), Compression::default());
        let packed = packer.write_all(text).and_then(|()| packer.finish());
        Self {
            kind: kind_of(name),
            tag: format!("{:016x}", xxh3_64(text)),
            packed: packed.expect("memory takes what is written").into(),
        }
    }

    /// The file as an answer, kept as long as `cache` says.
    pub(super) fn answer(&self, request: &HeaderMap, cache: &'static str) -> Response {
        let packs = takes_gzip(request);
        // Two texts of one file have two tags.
        let tag = match packs {
            true => format!("\"{}-gzip\"", self.tag),
            false => format!("\"{}\"", self.tag),
        };
        let known = is_known(request, &tag);
        let body = match (known, packs) {
            (true, _) => Bytes::new(),
            (false, true) => self.packed.clone(),
            (false, false) => self.text(),
        };
        let mut response = Response::new(Body::from(body));
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        put(headers, header::ETAG, &tag);
        if packs && !known {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response.extensions_mut().insert(AsItIs);
        response
    }

    fn text(&self) -> Bytes {
        let mut text = Vec::new();
        let read = GzDecoder::new(&*self.packed).read_to_end(&mut text);
        read.expect("it was packed here");
        text.into()
    }
}

/// Whether a client takes gzip: it says so, and with no weight of nought.
fn takes_gzip(request: &HeaderMap) -> bool {
    let values = request.get_all(header::ACCEPT_ENCODING).iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    let mut weights = texts.flat_map(|text| text.split(',')).filter_map(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts.next()?.eq_ignore_ascii_case("gzip");
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f64>().ok());
        is_gzip.then_some(weight.unwrap_or(1.0))
    });
    weights.any(|weight| weight > 0.0)
}

/// The file of a name among these.
pub(super) fn find<'f>(files: &'f [(&str, File)], name: &str) -> Result<&'f File, ApiError> {
    let found = files.iter().find(|(known, _)| *known == name);
    let none = || ApiError::new(StatusCode::NOT_FOUND, "not_found", "no such file");
    found.map(|(_, file)| file).ok_or_else(none)
}

/// The file of a name among these as an answer that is asked for again each time.
pub(super) fn answer(files: &[(&str, File)], name: &str, request: &HeaderMap) -> Answer {
    Ok(find(files, name)?.answer(request, "no-cache"))
}

/// Packs files.
pub(super) fn packed(files: &[(&'static str, &[u8])]) -> Vec<(&'static str, File)> {
    let file = |(name, text): &(&'static str, &[u8])| (*name, File::new(name, text));
    files.iter().map(file).collect()
}

fn kind_of(name: &str) -> &'static str {
    let end = name.rsplit_once('.').map_or("", |(_, end)| end);
    match end {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" | "webmanifest" => "application/json",
        "png" => "image/png",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

/// The text of the first script element of a page.
pub(super) fn first_script(page: &str) -> Option<Cow<'_, str>> {
    let (_, rest) = page.split_once("<script")?;
    let (_, rest) = rest.split_once('>')?;
    // A script that names the end of one is written apart in it.
    let (script, _) = rest.split_once("</script>")?;
    Some(script.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_packed_for_those_who_take_it_so() {
        let file = File::new("a.js", b"let a;");
        let ask = |value: &'static str| {
            let headers = [(header::ACCEPT_ENCODING, HeaderValue::from_static(value))];
            let response = file.answer(&headers.into_iter().collect(), "no-cache");
            let tag = response.headers()[header::ETAG]
                .to_str()
                .unwrap()
                .to_owned();
            let packed = response.headers().contains_key(header::CONTENT_ENCODING);
            (packed, tag)
        };
        for (packed, value) in [
            (true, "br, gzip;q=0.5"),
            (true, "GZIP"),
            (false, "br"),
            (false, "gzip;q=0, br"),
            (false, "gzip; q=0.0"),
            (false, ""),
        ] {
            assert_eq!(ask(value).0, packed, "{value}");
        }
        assert_ne!(ask("gzip").1, ask("br").1);
        assert_eq!(file.text(), "let a;");
    }

    #[test]
    fn of_two_scripts_the_first_is_taken() {
        let page = "<script type=\"x\">let a = '</' + 'script>';</script>\n<script>b</script>";
        assert_eq!(first_script(page).unwrap(), "let a = '</' + 'script>';");
    }
}
