//! A client's Converse request into the hub.

use super::super::block::{cache_control, parts};
use super::super::wire::{
    Block, InferenceConfig, Message as WireMessage, OutputConfig, Request, TextFormat, Tool as WireTool,
    ToolChoice as WireChoice, ToolConfig,
};
use super::additional;
use crate::chat::{
    ChatRequest, Effort, Failure, Function, Json, Message, Opaque, Part, Place, ResponseFormat, Role, Schema,
    Tool, ToolChoice, ToolKind,
};
use crate::dialect::Dialect;
use crate::wire::json::{object, parse, parse_raw};
use std::borrow::Cow;
use std::fmt::Display;

/// Reads a request. Its model and whether a stream is wanted stand in the path.
///
/// # Errors
/// 400, which names the field.
pub fn decode_request(body: &[u8]) -> Result<ChatRequest<'_>, Failure> {
    let wire: Request<'_> = parse(body)?;
    let mut request = ChatRequest::new(Dialect::Bedrock);
    request.extra = wire.extra;
    if let Some(system) = wire.system.filter(|blocks| !blocks.is_empty()) {
        let mut message = Message::new(Role::System, Place::System);
        message.parts = content(system, "system")?;
        request.messages.push(message);
    }
    let Some(messages) = wire.messages else {
        return Err(Failure::field("messages", "messages: required"));
    };
    for (index, message) in messages.into_iter().enumerate() {
        request.messages.push(decode_message(message, index)?);
    }
    if let Some(inference) = wire.inference {
        decode_inference(inference, &mut request);
    }
    if let Some(tools) = wire.tools {
        decode_tools(tools, &mut request)?;
    }
    if let Some(raw) = wire.additional {
        additional::decode(raw, &mut request)?;
    }
    if let Some(output) = wire.output {
        decode_output(output, &mut request)?;
    }
    request.metadata = wire.metadata.map(Json::from);
    request.service_tier = wire.service_tier.and_then(|tier| tier.kind);
    Ok(request)
}

fn decode_message(message: WireMessage<'_>, index: usize) -> Result<Message<'_>, Failure> {
    let place = Place::Message(index);
    let Some(role) = message.role else {
        return Err(Failure::field(format!("{place}.role"), format!("{place}.role: required")));
    };
    let role = match &*role.to_str() {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" => Role::System,
        other => {
            let path = format!("{place}.role");
            let message = format!("{path}: must be user, assistant or system, not {other}");
            return Err(Failure::field(path, message));
        }
    };
    let Some(blocks) = message.content else {
        return Err(Failure::field(format!("{place}.content"), format!("{place}.content: required")));
    };
    Ok(Message {
        parts: content(blocks, format_args!("{place}.content"))?,
        extra: message.extra,
        ..Message::new(role, place)
    })
}

fn content(blocks: Vec<Block<'_>>, path: impl Display) -> Result<Vec<Part<'_>>, Failure> {
    parts(blocks).map_err(|(index, bad)| {
        let path = format!("{path}[{index}].{}", bad.field);
        let message = format!("{path}: {}", bad.message);
        Failure::field(path, message)
    })
}

fn decode_inference<'a>(inference: InferenceConfig<'a>, request: &mut ChatRequest<'a>) {
    request.max_tokens = inference.max_tokens;
    request.temperature = inference.temperature;
    request.top_p = inference.top_p;
    request.stop = inference.stop.unwrap_or_default();
    for (name, value) in inference.extra {
        request.extra.push((Cow::Owned(format!("inferenceConfig.{name}")), value));
    }
}

fn decode_tools<'a>(config: ToolConfig<'a>, request: &mut ChatRequest<'a>) -> Result<(), Failure> {
    for tool in config.tools.unwrap_or_default() {
        match (tool.cache_point, request.tools.last_mut()) {
            (Some(point), Some(before)) if before.cache_control.is_none() => {
                before.cache_control = cache_control(point);
            }
            _ => request.tools.extend(decode_tool(tool)),
        }
    }
    if let Some(choice) = config.choice {
        request.tool_choice = Some(decode_choice(choice)?);
    }
    Ok(())
}

fn decode_tool(tool: WireTool<'_>) -> Option<Tool<'_>> {
    if let Some(spec) = tool.spec {
        let kind = ToolKind::Function(Function {
            name: spec.name.unwrap_or_default(),
            description: spec.description,
            parameters: spec.schema.and_then(|schema| schema.json).map(Json::from),
            strict: spec.strict,
        });
        return Some(Tool { kind, cache_control: None, extra: spec.extra });
    }
    let mut members =
        tool.cache_point.map(|raw| (Cow::Borrowed("cachePoint"), raw)).into_iter().chain(tool.extra);
    let (key, raw) = members.next()?;
    let mut out = Vec::new();
    object(&mut out, |object| object.raw(&key, raw));
    let json = Json::trusted(String::from_utf8(out).unwrap_or_default());
    let kind = ToolKind::Other(Opaque { kind: key.into(), json });
    Some(Tool { kind, cache_control: None, extra: Vec::new() })
}

fn decode_choice(choice: WireChoice<'_>) -> Result<ToolChoice<'_>, Failure> {
    if let Some(tool) = choice.tool {
        let name = tool.name.ok_or_else(|| {
            Failure::field("toolConfig.toolChoice.tool.name", "toolConfig.toolChoice.tool.name: required")
        })?;
        return Ok(ToolChoice::Named(name));
    }
    if choice.any.is_some() {
        return Ok(ToolChoice::Required);
    }
    if choice.auto.is_some() {
        return Ok(ToolChoice::Auto);
    }
    let path = "toolConfig.toolChoice";
    Err(Failure::field(path, format!("{path}: one of auto, any and tool is required")))
}

fn decode_output<'a>(output: OutputConfig<'a>, request: &mut ChatRequest<'a>) -> Result<(), Failure> {
    if let Some(effort) = output.effort {
        let name = effort.to_str();
        request.reasoning.effort = Some(Effort::of_name(&name).ok_or_else(|| {
            Failure::field("outputConfig.effort", format!("outputConfig.effort: unknown effort {name}"))
        })?);
    }
    for (name, value) in output.extra {
        request.extra.push((Cow::Owned(format!("outputConfig.{name}")), value));
    }
    let Some(raw) = output.format else { return Ok(()) };
    let at = "outputConfig.textFormat";
    let format: TextFormat<'_> =
        parse_raw(raw).map_err(|error| Failure::field(at, format!("{at}: {error}")))?;
    let schema = format.structure.and_then(|structure| structure.schema);
    request.response_format = Some(match schema {
        Some(definition) => {
            let path = "outputConfig.textFormat.structure.jsonSchema.schema";
            let text = definition.schema.unwrap_or_default().to_str();
            let schema = Json::checked(text).filter(Json::is_object).ok_or_else(|| {
                Failure::field(path, format!("{path}: the text of a JSON object is required"))
            })?;
            ResponseFormat::JsonSchema(Schema {
                name: definition.name,
                description: definition.description,
                strict: None,
                schema,
                is_word: false,
            })
        }
        None => {
            ResponseFormat::Other(Opaque { kind: format.kind.unwrap_or_default(), json: Json::from(raw) })
        }
    });
    Ok(())
}
