//! Requests that are not translated: the model is found in them and replaced, everything else passes. Their answers
//! are only looked at for their usage.

use super::{Ask, Edit, Report, set_params};
use crate::chat::{Failure, Losses, Usage};
use crate::dialect::Service;
use crate::wire::json::{Count, Patch, Text, Watch, members, parse, wire_object, write_string};
use crate::wire::multipart::{self, Field};
use crate::wire::sse::Framer;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Longest name of a model in a form, in bytes: as long as names in the configuration may be.
const LONGEST_MODEL: usize = 256;

/// What a body is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// JSON.
    Json,
    /// A form with fields and files; its boundary.
    Multipart(String),
    /// Anything else, or nothing.
    Other,
}

/// What the edge reads of a request before it knows where it goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// The model, where the request names one.
    pub model: Option<String>,
    /// Whether it asks for a stream.
    pub stream: bool,
}

wire_object! {
    /// The fields of a JSON body that matter here.
    light struct Head<'a> {
        model: Text<'a> = "model",
        stream: bool = "stream",
        stream_format: Text<'a> = "stream_format",
    }
}

impl Form {
    /// What a `content-type` says.
    pub fn of(content_type: Option<&str>) -> Self {
        let Some(content_type) = content_type else { return Self::Other };
        if let Some(boundary) = multipart::boundary(content_type) {
            return Self::Multipart(boundary);
        }
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if media_type.eq_ignore_ascii_case("application/json") { Self::Json } else { Self::Other }
    }

    /// Reads the model and whether a stream is wanted.
    ///
    /// # Errors
    /// 400, which names the field or what is wrong with the body.
    pub fn subject(&self, body: &[u8]) -> Result<Subject, Failure> {
        match self {
            Self::Json => {
                let head: Head<'_> = parse(body)?;
                let model = head.model.map(|model| model.to_str().into_owned());
                let stream =
                    head.stream.unwrap_or(false) || head.stream_format.is_some_and(|word| word == "sse");
                Ok(Subject { model: model.filter(|model| !model.is_empty()), stream })
            }
            Self::Multipart(boundary) => {
                let fields = fields(body, boundary)?;
                let text = |name| -> Result<Option<&str>, Failure> {
                    only(&fields, name)?.map(|field| text(body, field)).transpose()
                };
                let model = text("model")?.filter(|model| !model.is_empty()).map(ToOwned::to_owned);
                Ok(Subject { model, stream: text("stream")? == Some("true") })
            }
            Self::Other => Ok(Subject::default()),
        }
    }

    /// Puts the provider's name of the model, and a target's own fields, in the place of the client's.
    ///
    /// # Errors
    /// 400, as for [`Self::subject`].
    pub fn edit(&self, body: &[u8], ask: &Ask<'_>, losses: &mut Losses) -> Result<Edit, Failure> {
        let edit = match self {
            Self::Json => {
                let found = members(body)?;
                let mut patch = Patch::default();
                set_params(&mut patch, ask, &found);
                let mut asked = found.fields.iter().filter(|member| member.key == "model").peekable();
                // Where neither the path nor the body names a model, the provider has none to be told.
                let is_missing = asked.peek().is_none() && !ask.model.is_empty();
                let is_right = |name: &RawValue| Text::from_raw(name).is_some_and(|name| name == *ask.model);
                if is_missing || !asked.all(|member| is_right(member.value)) {
                    let mut model = Vec::with_capacity(ask.model.len().saturating_add(2));
                    write_string(&mut model, ask.model);
                    patch.set("model", model);
                }
                patch.prefix(body, &found)
            }
            Self::Multipart(boundary) => {
                for (name, _) in ask.params {
                    losses.note(format_args!("params.{name} of the target is not put into a form"));
                }
                let fields = fields(body, boundary)?;
                let Some(field) = only(&fields, "model")? else {
                    return Ok(with_model(body, boundary, ask.model).unwrap_or(Edit::Keep));
                };
                if text(body, field)? == ask.model {
                    return Ok(Edit::Keep);
                }
                let before = body.get(..field.value.start).unwrap_or_default();
                Some((field.value.end, [before, ask.model.as_bytes()].concat()))
            }
            Self::Other => None,
        };
        Ok(edit.map_or(Edit::Keep, |(drop, insert)| Edit::Prefix { drop, insert }))
    }
}

/// A form with the model as its first field (RFC 7578); `None` where there is none to be told.
fn with_model(body: &[u8], boundary: &str, model: &str) -> Option<Edit> {
    let delimiter = format!("--{boundary}");
    let at = memchr::memmem::find(body, delimiter.as_bytes()).filter(|_| !model.is_empty())?;
    let field = format!("{delimiter}\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n{model}\r\n");
    Some(Edit::Prefix { drop: at, insert: [body.get(..at)?, field.as_bytes()].concat() })
}

fn fields(body: &[u8], boundary: &str) -> Result<Vec<Field>, Failure> {
    multipart::fields(body, boundary)
        .map_err(|wrong| Failure::new(400, format!("The body is no form: {}.", wrong.0)))
}

/// The field of a name. One that is given twice would be one thing to the gateway and another to the provider.
fn only<'f>(fields: &'f [Field], name: &'static str) -> Result<Option<&'f Field>, Failure> {
    let mut named = fields.iter().filter(|field| field.name == name);
    let first = named.next();
    match named.next() {
        Some(_) => Err(Failure::field(name, format!("{name}: the form has it more than once"))),
        None => Ok(first),
    }
}

fn text<'b>(body: &'b [u8], field: &Field) -> Result<&'b str, Failure> {
    let value = body.get(field.value.clone()).unwrap_or_default();
    let text = std::str::from_utf8(value).ok().filter(|text| text.len() <= LONGEST_MODEL && !field.is_file);
    text.ok_or_else(|| {
        let name = field.name.clone();
        let message = format!("{name}: expected a text of at most {LONGEST_MODEL} bytes");
        Failure::field(name, message)
    })
}

/// Looks for the usage in an answer while it passes.
#[derive(Debug)]
pub struct Gauge(Kind);

#[derive(Debug)]
enum Kind {
    /// There is nothing to look for.
    Off,
    /// An object.
    Json(Watch),
    /// Events, the last of which tells.
    Events { framer: Framer, usage: Option<Vec<u8>> },
}

/// Counts as images, transcriptions and speech have them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireUsage {
    /// Mistral has the older names.
    #[serde(alias = "prompt_tokens")]
    input_tokens: Count,
    #[serde(alias = "completion_tokens")]
    output_tokens: Count,
    /// Of sound that was transcribed.
    #[serde(alias = "prompt_audio_seconds")]
    seconds: Option<f64>,
    /// Transcriptions.
    input_token_details: Option<Details>,
    /// Images.
    input_tokens_details: Option<Details>,
}

/// Parts of the input.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    audio_tokens: Count,
    cached_tokens: Count,
}

wire_object! {
    /// An event of a stream.
    light struct Data<'a> {
        usage: &'a RawValue = "usage",
    }
}

impl Gauge {
    /// What suits an answer of this type.
    pub fn new(service: Service, content_type: Option<&str>) -> Self {
        let media_type = content_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
        Self(match media_type.to_ascii_lowercase().as_str() {
            _ if !service.is_metered() => Kind::Off,
            "application/json" => Kind::Json(Watch::new("usage")),
            "text/event-stream" => Kind::Events { framer: Framer::default(), usage: None },
            _ => Kind::Off,
        })
    }

    /// Whether the answer has to be read at all.
    pub fn is_off(&self) -> bool {
        matches!(self.0, Kind::Off)
    }

    /// Takes the next bytes, however they are cut.
    pub fn push(&mut self, mut chunk: &[u8]) {
        match &mut self.0 {
            Kind::Off => {}
            Kind::Json(watch) => watch.push(chunk),
            Kind::Events { framer, usage } => {
                let too_long = loop {
                    match framer.next(&mut chunk) {
                        Ok(Some(event)) => take(event.data, usage),
                        Ok(None) => break false,
                        Err(_) => break true,
                    }
                };
                if too_long {
                    // It can no longer be followed.
                    self.0 = Kind::Off;
                }
            }
        }
    }

    /// The answer is over: what it said.
    pub fn end(mut self) -> Report {
        let json = match &mut self.0 {
            Kind::Off => None,
            Kind::Json(watch) => watch.found().map(<[u8]>::to_vec),
            Kind::Events { framer, usage } => {
                if let Some(event) = framer.finish() {
                    take(event.data, usage);
                }
                usage.take()
            }
        };
        let Some(told) = json.and_then(|json| serde_json::from_slice::<WireUsage>(&json).ok()) else {
            return Report::default();
        };
        let usage = told.to_usage();
        Report {
            usage_is_final: !usage.is_empty(),
            usage,
            audio_seconds: told.seconds.filter(|seconds| seconds.is_finite() && *seconds >= 0.0),
            ..Report::default()
        }
    }
}

fn take(data: Option<&[u8]>, usage: &mut Option<Vec<u8>>) {
    let told = |data: &&[u8]| memchr::memmem::find(data, b"\"usage\"").is_some();
    let Some(data) = data.filter(told).and_then(|data| parse::<Data<'_>>(data).ok()) else { return };
    if let Some(json) = data.usage {
        *usage = Some(json.get().as_bytes().to_vec());
    }
}

impl WireUsage {
    fn to_usage(&self) -> Usage {
        let details = self.input_tokens_details.as_ref().or(self.input_token_details.as_ref());
        Usage {
            input: self.input_tokens.0,
            output: self.output_tokens.0,
            audio_input: details.and_then(|details| details.audio_tokens.0),
            cache_read: details.and_then(|details| details.cached_tokens.0),
            ..Usage::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Quirks;

    const FORM: &str = "--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n\
        RIFF\r\n--Y model\r\n--X\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\npublic\r\n\
        --X\r\nContent-Disposition: form-data; name=\"stream\"\r\n\r\ntrue\r\n--X--\r\n";

    fn form() -> Form {
        Form::of(Some("multipart/form-data; boundary=X"))
    }

    fn edited(form: &Form, body: &str, params: &[(Box<str>, Box<RawValue>)]) -> (String, Vec<String>) {
        let ask = Ask { params, ..Ask::new("real", &Quirks::OPENAI) };
        let mut losses = Losses::new(true);
        let body = match form.edit(body.as_bytes(), &ask, &mut losses).unwrap() {
            Edit::Keep => body.to_owned(),
            Edit::Prefix { drop, insert } => String::from_utf8(insert).unwrap() + &body[drop..],
            Edit::Replace(_) => panic!("only the front changes"),
        };
        (body, losses.into_warnings())
    }

    #[test]
    fn the_model_is_found_in_json_and_in_forms() {
        let json = Form::of(Some("application/json; charset=utf-8"));
        let subject = json.subject(br#"{"input":"x","model":"m","stream_format":"sse"}"#).unwrap();
        assert_eq!(subject, Subject { model: Some("m".into()), stream: true });
        assert_eq!(json.subject(br#"{"input":"x"}"#).unwrap(), Subject::default());
        assert_eq!(
            form().subject(FORM.as_bytes()).unwrap(),
            Subject { model: Some("public".into()), stream: true }
        );
        assert_eq!(Form::of(None).subject(b"").unwrap(), Subject::default());
        assert_eq!(Form::of(Some("text/plain")), Form::Other);
    }

    #[test]
    fn only_the_model_changes() {
        let raw = |json: &str| RawValue::from_string(json.into()).unwrap();
        let params = [("quality".into(), raw("\"low\""))];
        let (body, _) = edited(&Form::Json, r#"{"model":"public", "n": 1}"#, &params);
        assert_eq!(body, r#"{"quality":"low","model":"real", "n": 1}"#);
        let (body, warnings) = edited(&form(), FORM, &params);
        assert_eq!(body, FORM.replace("public", "real"));
        assert_eq!(warnings.len(), 1);
        let same = FORM.replace("public", "real");
        assert_eq!(edited(&form(), &same, &[]).0, same);
    }

    #[test]
    fn a_model_that_the_path_named_is_put_in() {
        assert_eq!(edited(&Form::Json, r#"{"n":1}"#, &[]).0, r#"{"model":"real","n":1}"#);
        let bare = FORM.replace("name=\"model\"", "name=\"other\"");
        let (body, _) = edited(&form(), &bare, &[]);
        assert_eq!(form().subject(body.as_bytes()).unwrap().model.as_deref(), Some("real"));
        assert!(body.ends_with(&bare));
        // A provider that was named in place of a model is told none.
        let kept = form().edit(bare.as_bytes(), &Ask::new("", &Quirks::OPENAI), &mut Losses::new(true));
        assert_eq!(kept.unwrap(), Edit::Keep);
    }

    #[test]
    fn a_form_that_says_two_things_is_refused() {
        let twice = FORM.replace("name=\"stream\"", "name=\"model\"");
        let failure = form().subject(twice.as_bytes()).unwrap_err();
        assert_eq!((failure.status, failure.param.as_deref()), (400, Some("model")));
        let file = FORM.replace("name=\"model\"", "name=\"model\"; filename=\"m\"");
        assert_eq!(form().subject(file.as_bytes()).unwrap_err().param.as_deref(), Some("model"));
        assert!(form().subject(b"nothing").unwrap_err().message.contains("no form"));
    }

    fn gauged(service: Service, content_type: &str, body: &str) -> Report {
        let whole = {
            let mut gauge = Gauge::new(service, Some(content_type));
            gauge.push(body.as_bytes());
            gauge.end()
        };
        let mut gauge = Gauge::new(service, Some(content_type));
        body.as_bytes().chunks(1).for_each(|byte| gauge.push(byte));
        assert_eq!(gauge.end(), whole);
        whole
    }

    #[test]
    fn usage_is_read_as_it_passes() {
        let image = r#"{"data":[{"b64_json":"AAAA"}],"usage":{"input_tokens":50,"output_tokens":9,
            "input_tokens_details":{"text_tokens":10,"image_tokens":40}}}"#;
        let report = gauged(Service::ImageGenerations, "application/json", image);
        assert_eq!((report.usage.input, report.usage.output), (Some(50), Some(9)));
        assert!(report.usage_is_final);
        let events = "data: {\"type\":\"transcript.text.delta\",\"delta\":\"a\"}\n\n\
            data: {\"type\":\"transcript.text.done\",\"usage\":{\"type\":\"tokens\",\"input_tokens\":14,\
            \"input_token_details\":{\"audio_tokens\":14},\"output_tokens\":4}}";
        let report = gauged(Service::Transcriptions, "text/event-stream; charset=utf-8", events);
        assert_eq!((report.usage.audio_input, report.usage.output), (Some(14), Some(4)));
    }

    #[test]
    fn sound_is_told_in_seconds() {
        let told = r#"{"text":"a","usage":{"type":"duration","seconds":3}}"#;
        let report = gauged(Service::Transcriptions, "application/json", told);
        assert_eq!((report.audio_seconds, report.usage_is_final), (Some(3.0), false));
        let mistral = r#"{"usage":{"prompt_audio_seconds":4,"prompt_tokens":4,"completion_tokens":9}}"#;
        let report = gauged(Service::Transcriptions, "application/json", mistral);
        assert_eq!(report.audio_seconds, Some(4.0));
        assert_eq!((report.usage.input, report.usage.output), (Some(4), Some(9)));
    }

    #[test]
    fn what_is_no_usage_of_its_own_is_not_counted() {
        for (service, content_type, body) in [
            (Service::Responses, "application/json", r#"{"usage":{"input_tokens":1}}"#),
            (Service::Speech, "audio/mpeg", r#"{"usage":{"input_tokens":1}}"#),
            (Service::ImageEdits, "application/json", "<html>"),
        ] {
            assert_eq!(gauged(service, content_type, body), Report::default());
        }
    }
}
