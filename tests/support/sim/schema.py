"""Just enough JSON Schema to make a value that conforms and to say why one does not."""

from __future__ import annotations

from typing import Any

DEPTH = 12


def example(schema: Any, hint: str = "x", root: Any = None, depth: int = 0) -> Any:
    """The same value every time for the same schema. `hint` becomes the text of plain strings."""
    root = schema if root is None else root
    if not isinstance(schema, dict) or depth > DEPTH:
        return None
    if "$ref" in schema:
        return example(_resolve(schema["$ref"], root), hint, root, depth + 1)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for word in ("anyOf", "oneOf"):
        if schema.get(word):
            return example(schema[word][0], hint, root, depth + 1)
    if schema.get("allOf"):
        return example(schema["allOf"][0], hint, root, depth + 1)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = kind[0]
    if kind == "object":
        wanted = schema.get("properties", {})
        return {name: example(sub, name, root, depth + 1) for name, sub in wanted.items()}
    if kind == "array":
        return [
            example(schema.get("items", {}), hint, root, depth + 1) for _ in range(max(schema.get("minItems", 1), 1))
        ]
    if kind == "integer":
        return int(schema.get("minimum", 7))
    if kind == "number":
        return float(schema.get("minimum", 7.5))
    if kind == "boolean":
        return True
    if kind == "null":
        return None
    text = f"a {hint}"
    return text.ljust(schema.get("minLength", 0), ".")


def faults(schema: Any, value: Any, where: str = "$", root: Any = None) -> list[str]:
    """Why `value` does not conform; empty when it does."""
    root = schema if root is None else root
    if not isinstance(schema, dict):
        return []
    if "$ref" in schema:
        return faults(_resolve(schema["$ref"], root), value, where, root)
    if "const" in schema and value != schema["const"]:
        return [f"{where}: not {schema['const']!r}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where}: none of {schema['enum']!r}"]
    for word in ("anyOf", "oneOf"):
        if word in schema and all(faults(sub, value, where, root) for sub in schema[word]):
            return [f"{where}: fits no branch of {word}"]
    kinds = schema.get("type")
    if kinds is not None:
        kinds = kinds if isinstance(kinds, list) else [kinds]
        if not any(_is(kind, value) for kind in kinds):
            return [f"{where}: {type(value).__name__} is not {'/'.join(kinds)}"]
    found: list[str] = []
    if isinstance(value, dict):
        wanted = schema.get("properties", {})
        found += [f"{where}.{name}: missing" for name in schema.get("required", []) if name not in value]
        if schema.get("additionalProperties") is False:
            found += [f"{where}.{name}: unexpected" for name in value if name not in wanted]
        for name, sub in wanted.items():
            if name in value:
                found += faults(sub, value[name], f"{where}.{name}", root)
    if isinstance(value, list):
        for number, item in enumerate(value):
            found += faults(schema.get("items", {}), item, f"{where}[{number}]", root)
    return found


def loose_objects(schema: Any, where: str = "") -> list[str]:
    """Paths of object schemas that do not say `additionalProperties: false`: what strict modes refuse."""
    if not isinstance(schema, dict):
        return []
    found = []
    if (schema.get("type") == "object" or "properties" in schema) and schema.get("additionalProperties") is not False:
        found.append(where or "root")
    for word in ("properties", "$defs", "definitions"):
        for name, sub in (schema.get(word) or {}).items():
            found += loose_objects(sub, f"{where}.{name}")
    for word in ("anyOf", "oneOf", "allOf"):
        for number, sub in enumerate(schema.get(word) or []):
            found += loose_objects(sub, f"{where}.{word}[{number}]")
    found += loose_objects(schema.get("items"), f"{where}.items")
    return found


def optional_properties(schema: Any, where: str = "") -> list[str]:
    """Paths of properties that are not required: what OpenAI's strict mode refuses."""
    if not isinstance(schema, dict):
        return []
    wanted = schema.get("properties") or {}
    found = [f"{where}.{name}" for name in wanted if name not in (schema.get("required") or [])]
    for name, sub in wanted.items():
        found += optional_properties(sub, f"{where}.{name}")
    for name, sub in (schema.get("$defs") or {}).items():
        found += optional_properties(sub, f"{where}.{name}")
    found += optional_properties(schema.get("items"), f"{where}.items")
    return found


def unsaid(schema: Any, where: tuple[str, ...] = ()) -> str | None:
    """What OpenAI misses in a schema, strict or not: of what a list is, and what the object at the root has."""
    if not isinstance(schema, dict):
        return None
    kinds = schema.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if not where and "object" in kinds and not isinstance(schema.get("properties"), dict):
        return f"In context={where}, object schema missing properties."
    if "array" in kinds and "items" not in schema:
        return f"In context={where}, array schema missing items."
    if isinstance(schema.get("items"), list):
        return f"{schema['items']} is not of type 'object', 'boolean'."
    inner = [(("properties", name), sub) for name, sub in (schema.get("properties") or {}).items()]
    inner += [((word, name), sub) for word in ("$defs", "definitions") for name, sub in (schema.get(word) or {}).items()]
    inner += [((word, str(at)), sub) for word in ("anyOf", "oneOf", "allOf") for at, sub in enumerate(schema.get(word) or [])]
    inner += [(("items",), schema.get("items"))]
    return next((why for step, sub in inner if (why := unsaid(sub, (*where, *step)))), None)


def is_outdated(schema: Any) -> bool:
    """Whether a schema is none of draft 2020-12: a list in `items`, or a limit that a word beside it excludes."""
    if isinstance(schema, list):
        return any(is_outdated(sub) for sub in schema)
    if not isinstance(schema, dict):
        return False
    if isinstance(schema.get("items"), list) or any(
        isinstance(schema.get(word), bool) for word in ("exclusiveMinimum", "exclusiveMaximum")
    ):
        return True
    named = [sub for word in ("properties", "$defs", "definitions") for sub in (schema.get(word) or {}).values()]
    return is_outdated([*named, *(schema.get(word) for word in ("items", "anyOf", "oneOf", "allOf", "prefixItems"))])


def keywords(schema: Any) -> set[str]:
    """Every keyword used anywhere in the schema."""
    found: set[str] = set()
    if isinstance(schema, dict):
        for word, sub in schema.items():
            found.add(word)
            if word in ("properties", "$defs", "definitions"):
                for inner in sub.values():
                    found |= keywords(inner)
            elif isinstance(sub, (dict, list)) and word not in ("enum", "const", "default", "examples"):
                found |= keywords(sub)
    elif isinstance(schema, list):
        for sub in schema:
            found |= keywords(sub)
    return found


def unfollowed(schema: Any) -> str | None:
    """Why Anthropic does not hold a model to the schema: it refers to itself or out of itself, or joins references."""

    def visit(node: Any, open_refs: tuple[str, ...]) -> str | None:
        if isinstance(node, list):
            return next((why for sub in node if (why := visit(sub, open_refs))), None)
        if not isinstance(node, dict):
            return None
        if any(isinstance(part, dict) and "$ref" in part for part in node.get("allOf") or []):
            return "'allOf' with '$ref' is not supported"
        ref = node.get("$ref")
        if isinstance(ref, str):
            if not ref.startswith("#"):
                return "External '$ref' is not supported"
            if ref in open_refs:
                return f"Circular reference detected in schema definitions: {ref}"
            inner = schema if ref == "#" else _resolve(ref, schema)
            return visit(inner, (*open_refs, ref))
        return next((why for sub in node.values() if (why := visit(sub, open_refs))), None)

    return visit(schema, ("#",))


def _resolve(ref: str, root: Any) -> Any:
    node = root
    for part in ref.removeprefix("#/").split("/"):
        node = node.get(part, {}) if isinstance(node, dict) else {}
    return node


def _is(kind: str, value: Any) -> bool:
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    types = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
    return isinstance(value, types[kind]) if kind in types else True
