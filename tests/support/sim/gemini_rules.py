"""What Google's Gemini API refuses, in its words: bodies are read into protocol buffers, so an unknown field or a wrong
type is an error that names its place."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

SKIP = base64.b64encode(b"skip_thought_signature_validator").decode()
TYPES = {"STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"}
FORMATS = {
    "STRING": {"enum", "date-time"},
    "INTEGER": {"int32", "int64"},
    "NUMBER": {"float", "double"},
}
SCHEMA = {
    "type",
    "format",
    "title",
    "description",
    "nullable",
    "enum",
    "maxItems",
    "minItems",
    "properties",
    "required",
    "minProperties",
    "maxProperties",
    "minLength",
    "maxLength",
    "pattern",
    "example",
    "anyOf",
    "propertyOrdering",
    "default",
    "items",
    "minimum",
    "maximum",
}
BODY = {
    "contents",
    "tools",
    "toolConfig",
    "safetySettings",
    "systemInstruction",
    "generationConfig",
    "cachedContent",
    "labels",
    "serviceTier",
}
CONFIG = {
    "stopSequences",
    "responseMimeType",
    "responseSchema",
    "responseJsonSchema",
    "responseModalities",
    "candidateCount",
    "maxOutputTokens",
    "temperature",
    "topP",
    "topK",
    "seed",
    "presencePenalty",
    "frequencyPenalty",
    "responseLogprobs",
    "logprobs",
    "thinkingConfig",
    "mediaResolution",
    "speechConfig",
}
PART = {
    "text",
    "thought",
    "thoughtSignature",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "videoMetadata",
}
DATA = {"text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult"}
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}")


class Refused(Exception):
    """A request that is not answered."""

    def __init__(self, message: str, status: int = 400, word: str = "INVALID_ARGUMENT", reason: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.word = word
        self.reason = reason


def known(value: Any, fields: set[str], where: str) -> None:
    """Refuses fields that the message does not have."""
    if not isinstance(value, dict):
        raise Refused(f"Invalid value at '{where}' (type.googleapis.com): must be an object")
    for name in value:
        if name not in fields:
            place = f" at '{where}'" if where else ""
            raise Refused(f'Invalid JSON payload received. Unknown name "{name}"{place}: Cannot find field.')


def check(body: Any, model: str, signed: Any) -> None:
    """Refuses what Google refuses. `signed` says whether a signature is one of the simulator's own."""
    known(body, BODY, "")
    version = re.match(r"gemini-(\d+)", model)
    generation = int(version[1]) if version else 0
    contents = body.get("contents")
    if not isinstance(contents, list) or not contents:
        raise Refused("* GenerateContentRequest.contents: contents is not specified")
    if "systemInstruction" in body:
        if model.startswith("gemma"):
            raise Refused(f"Developer instruction is not enabled for models/{model}")
        known(body["systemInstruction"], {"role", "parts"}, "system_instruction")
        for part in body["systemInstruction"].get("parts") or []:
            if set(part) != {"text"}:
                raise Refused("system_instruction: only text is supported")
    declared = _tools(body.get("tools") or [], generation)
    _tool_config(body.get("toolConfig") or {}, declared)
    _config(body.get("generationConfig") or {}, generation, declared)
    searches = any("googleSearch" in tool for tool in body.get("tools") or [])
    if searches and generation < 3 and (body.get("generationConfig") or {}).get("responseMimeType") == "application/json":
        raise Refused("Tool use with a response mime type: 'application/json' is unsupported")
    _contents(contents, generation, signed)
    for content in contents:
        for part in content["parts"]:
            _fetched(part, model)


def _contents(contents: list[Any], generation: int, signed: Any) -> None:
    calls: list[Any] = []
    before = None
    last_user = max(
        (
            number
            for number, content in enumerate(contents)
            if content.get("role") != "model" and any("text" in part for part in content.get("parts") or [])
        ),
        default=0,
    )
    for number, content in enumerate(contents):
        where = f"contents[{number}]"
        known(content, {"role", "parts"}, where)
        role = content.get("role", "user")
        if role not in ("user", "model", "function"):
            raise Refused("Please use a valid role: user, model.")
        parts = content.get("parts")
        if not isinstance(parts, list) or not parts:
            raise Refused(f"* GenerateContentRequest.{where}.parts: contents.parts must not be empty.")
        results = [part["functionResponse"] for part in parts if "functionResponse" in part]
        if calls and len(results) != len(calls):
            raise Refused(
                "Please ensure that the number of function response parts is equal to the number of function call "
                "parts of the function call turn."
            )
        if results and not calls:
            raise Refused("Please ensure that function response turn comes immediately after a function call turn.")
        made = [part for part in parts if "functionCall" in part]
        if made and (role != "model" or before == "model" or before is None):
            raise Refused(
                "Please ensure that function call turn comes immediately after a user turn or after a function "
                "response turn."
            )
        for index, part in enumerate(parts):
            _part(part, f"{where}.parts[{index}]", role, generation)
        for result, call in zip(results, calls, strict=False):
            if result["name"] != call["functionCall"]["name"]:
                raise Refused("function_response.name does not match function_call.name")
            if result.get("id") != call["functionCall"].get("id"):
                raise Refused("function_response.id does not match function_call.id")
        if made and generation >= 3 and number > last_user:
            signature = made[0].get("thoughtSignature")
            if signature is None:
                raise Refused("Function call is missing a thought_signature in functionCall parts.")
            if signature != SKIP and not signed(signature):
                raise Refused("Thought signature is not valid.")
            if any("thoughtSignature" in part for part in made[1:]):
                raise Refused("Only the first function call of a turn carries a thought_signature.")
        calls = made
        before = role
    if calls:
        raise Refused("Please ensure that multiturn requests end with a user role or a function response.")


def _fetched(part: Any, model: str) -> None:
    """Files outside Google's services: the models before 2.5 fetch none, the others want to know what they are."""
    file = part.get("fileData") or {}
    uri = str(file.get("fileUri", ""))
    own = ("gs://", "https://generativelanguage.googleapis.com/", "https://www.youtube.com/", "https://youtu.be/")
    if not file or uri.startswith(own):
        return
    if not re.match(r"gemini-(2\.5|[3-9])", model) or not uri.startswith("https://"):
        raise Refused(f"Cannot fetch content from the provided URL: {uri}")
    if "/" not in file.get("mimeType", ""):
        raise Refused(f"Unsupported MIME type: {file.get('mimeType', '')}")


def _part(part: Any, where: str, role: str, generation: int) -> None:
    known(part, PART, where)
    data = [name for name in part if name in DATA]
    if len(data) != 1:
        raise Refused(f"* GenerateContentRequest.{where}.data: required oneof field 'data' must have one initialized field")
    # Empty text is what streams end with: in the model's own turn it is taken back.
    empty = part.get("text") == "" and role != "model"
    if "text" in part and (not isinstance(part["text"], str) or empty):
        raise Refused("Unable to submit request because it must have a text parameter.")
    signature = part.get("thoughtSignature")
    if signature is not None:
        if "functionResponse" in part:
            raise Refused(f'Unknown signature at "{where}": a function response has none.')
        _bytes(signature, f"{where}.thought_signature")
    if "inlineData" in part:
        blob = part["inlineData"]
        known(blob, {"mimeType", "data", "displayName"}, f"{where}.inline_data")
        kind = blob.get("mimeType", "")
        if "/" not in kind or (kind.startswith("application/") and kind != "application/pdf"):
            raise Refused(f"Unsupported MIME type: {blob.get('mimeType', '')}")
        _bytes(blob.get("data", ""), f"{where}.inline_data.data")
    if "fileData" in part:
        file = part["fileData"]
        known(file, {"mimeType", "fileUri", "displayName"}, f"{where}.file_data")
    for name, fields in (
        ("functionCall", {"id", "name", "args"}),
        ("functionResponse", {"id", "name", "response", "parts"}),
    ):
        if name not in part:
            continue
        known(part[name], fields, f"{where}.{name}")
        if not NAME.fullmatch(part[name].get("name") or ""):
            raise Refused(f"* GenerateContentRequest.{where}.{name}.name: Name cannot be empty.")
        struct = part[name].get("args" if name == "functionCall" else "response", {})
        if not isinstance(struct, dict):
            raise Refused(f"Invalid value at '{where}.{name}' (type.googleapis.com/google.protobuf.Struct)")
        if part[name].get("parts") and generation < 3:
            raise Refused("Multimodal function responses are not supported for this model.")
        for at, inner in enumerate(part[name].get("parts") or []):
            known(inner, {"inlineData"}, f"{where}.{name}.parts[{at}]")
    if "functionResponse" in part and role == "model":
        raise Refused("Function responses belong to the user's turn.")


def _bytes(value: Any, where: str) -> None:
    try:
        padded = value + "=" * (-len(value) % 4)
        base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise Refused(f"Invalid value at '{where}' (TYPE_BYTES), Base64 decoding failed") from None


def _tools(tools: list[Any], generation: int) -> dict[str, Any]:
    declared: dict[str, Any] = {}
    for number, tool in enumerate(tools):
        where = f"tools[{number}]"
        known(tool, {"functionDeclarations", "googleSearch", "codeExecution", "urlContext"}, where)
        for index, function in enumerate(tool.get("functionDeclarations") or []):
            place = f"{where}.function_declarations[{index}]"
            known(function, {"name", "description", "parameters", "parametersJsonSchema", "response", "responseJsonSchema"}, place)
            if not NAME.fullmatch(function.get("name") or ""):
                raise Refused(f"* GenerateContentRequest.{place}.name: Invalid function name.")
            if function["name"] in declared:
                raise Refused(f"Duplicate function declaration found: {function['name']}")
            if "parameters" in function and "parametersJsonSchema" in function:
                raise Refused("parameters and parameters_json_schema are mutually exclusive.")
            schema = function.get("parameters")
            if schema is not None:
                if str(schema.get("type", "")).upper() != "OBJECT":
                    raise Refused(f"* GenerateContentRequest.{place}.parameters: schema must be of type OBJECT")
                if not schema.get("properties") and not schema.get("anyOf"):
                    raise Refused(
                        f"* GenerateContentRequest.{place}.parameters.properties: should be non-empty for OBJECT type"
                    )
                _schema(schema, f"{place}.parameters")
            declared[function["name"]] = schema or function.get("parametersJsonSchema")
        if "googleSearch" in tool:
            known(tool["googleSearch"], {"timeRangeFilter", "searchTypes"}, f"{where}.google_search")
    if any("googleSearch" in tool for tool in tools) and declared and generation < 3:
        raise Refused("Tool use with function calling is unsupported")
    return declared


def _schema(schema: Any, where: str) -> None:
    known(schema, SCHEMA, where)
    kind = str(schema.get("type", "")).upper()
    if kind and kind not in TYPES:
        raise Refused(f"Invalid value at '{where}.type' (type.googleapis.com/google.ai.generativelanguage.v1beta.Type)")
    if not kind and not schema.get("anyOf") and schema.keys() - {"description", "title", "nullable", "default"}:
        raise Refused(f"* GenerateContentRequest.{where}.type: must be specified")
    if "enum" in schema:
        if kind != "STRING":
            raise Refused(f"* GenerateContentRequest.{where}.enum: only allowed for STRING type")
        if any(not isinstance(value, str) or not value for value in schema["enum"]):
            raise Refused(f"* GenerateContentRequest.{where}.enum[0]: cannot be empty")
    if "format" in schema and schema["format"] not in FORMATS.get(kind, set()):
        raise Refused(f"* GenerateContentRequest.{where}.format: only 'enum' and 'date-time' are supported for STRING type")
    if kind == "ARRAY" and "items" not in schema:
        raise Refused(f"* GenerateContentRequest.{where}.items: missing field.")
    for name in schema.get("required") or []:
        if name not in (schema.get("properties") or {}):
            raise Refused(f"* GenerateContentRequest.{where}.required[0]: property is not defined")
    for name, inner in (schema.get("properties") or {}).items():
        _schema(inner, f"{where}.properties[{name}]")
    if "items" in schema:
        _schema(schema["items"], f"{where}.items")
    for number, inner in enumerate(schema.get("anyOf") or []):
        _schema(inner, f"{where}.any_of[{number}]")


def _tool_config(config: Any, declared: dict[str, Any]) -> None:
    known(config, {"functionCallingConfig", "retrievalConfig", "includeServerSideToolInvocations"}, "tool_config")
    calling = config.get("functionCallingConfig") or {}
    known(calling, {"mode", "allowedFunctionNames"}, "tool_config.function_calling_config")
    mode = calling.get("mode", "AUTO")
    if mode not in ("AUTO", "ANY", "NONE", "VALIDATED"):
        raise Refused("Invalid value at 'tool_config.function_calling_config.mode'")
    names = calling.get("allowedFunctionNames")
    if names and mode not in ("ANY", "VALIDATED"):
        raise Refused("allowed_function_names should only be set when the mode is ANY or VALIDATED.")
    if mode == "ANY" and not declared:
        raise Refused("Function calling mode ANY needs function declarations.")
    if any(name not in declared for name in names or []):
        raise Refused("allowed_function_names: unknown function")


def _config(config: Any, generation: int, declared: dict[str, Any]) -> None:
    known(config, CONFIG, "generation_config")
    _range(config, "temperature", 0, 2)
    _range(config, "topP", 0, 1)
    _range(config, "candidateCount", 1, 8)
    _range(config, "maxOutputTokens", 1, 65537)
    for name in ("presencePenalty", "frequencyPenalty"):
        _range(config, name, -2, 2)
        if config.get(name) == 2:
            raise Refused(f"* GenerateContentRequest.generation_config.{name}: must be in the range [-2.0, 2.0).")
    _range(config, "seed", -(2**31), 2**31 - 1)
    stops = config.get("stopSequences") or []
    if len(stops) > 5 or any(not stop for stop in stops):
        raise Refused("* GenerateContentRequest.generation_config.stop_sequences: at most 5, none of them empty")
    if "logprobs" in config and not config.get("responseLogprobs"):
        raise Refused("logprobs needs response_logprobs")
    mime = config.get("responseMimeType")
    if mime is not None and mime not in ("text/plain", "application/json", "text/x.enum"):
        raise Refused(f"* GenerateContentRequest.generation_config.response_mime_type: {mime} is not allowed")
    if mime == "application/json" and declared and generation < 3:
        raise Refused("Function calling with a response mime type: 'application/json' is unsupported")
    for name in ("responseSchema", "responseJsonSchema"):
        if name in config and mime != "application/json":
            raise Refused(f"{name} needs the response mime type application/json")
    if "responseSchema" in config:
        _schema(config["responseSchema"], "generation_config.response_schema")
    thinking = config.get("thinkingConfig")
    if thinking is None:
        return
    known(thinking, {"thinkingBudget", "thinkingLevel", "includeThoughts"}, "generation_config.thinking_config")
    if generation < 2:
        raise Refused("Thinking is not enabled for this model.")
    if "thinkingLevel" in thinking:
        if generation < 3:
            raise Refused("Thinking level is not supported for this model.")
        if thinking["thinkingLevel"].upper() not in ("MINIMAL", "LOW", "MEDIUM", "HIGH"):
            raise Refused("Invalid value at 'generation_config.thinking_config.thinking_level'")
        if "thinkingBudget" in thinking:
            raise Refused("You can only set only one of thinking budget and thinking level.")
    budget = thinking.get("thinkingBudget", -1)
    if not isinstance(budget, int) or not -1 <= budget <= 32768:
        raise Refused("The thinking budget is invalid. Please choose a value between 0 and 32768.")


def _range(config: Any, name: str, least: float, most: float) -> None:
    value = config.get(name)
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise Refused(f"* GenerateContentRequest.generation_config.{name}: must be in the range [{least}, {most}].")
