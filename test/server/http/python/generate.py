"""Writes a Python client of the API from its OpenAPI document; nothing in it is known of Berth.

    python3 generate.py openapi.json berth_client.py

Each operation becomes a method, named after its operationId, with a typed parameter for each of the
document's; each component becomes a type. Only the standard library is used, here and in what is made.
"""

import json
import keyword
import re
import sys

HEAD = '''"""{title} {version}: made from its OpenAPI document; do not edit."""

from __future__ import annotations

import http.client
import json
import socket
import urllib.parse
from typing import Any, Literal, TypedDict


class ApiError(Exception):
    """What the server answered instead of what was asked for."""

    def __init__(self, status: int, problem: Any) -> None:
        super().__init__(f"{{status}}: {{problem}}")
        self.status = status
        self.problem = problem


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self._path)


class Client:
    """One method for each operation of the API."""

    def __init__(self, address: str, token: str | None = None) -> None:
        """Takes the path of a unix socket, or HOST:PORT with a token."""
        self._address = address
        self._token = token

    def _connect(self) -> http.client.HTTPConnection:
        if self._address.startswith("/"):
            return _UnixConnection(self._address)
        return http.client.HTTPConnection(self._address)

    def _call(self, method: str, path: str, query: dict[str, Any], headers: dict[str, Any], body: Any) -> Any:
        given = {{key: _text(value) for key, value in query.items() if value is not None}}
        target = path + ("?" + urllib.parse.urlencode(given) if given else "")
        sent = {{key: str(value) for key, value in headers.items() if value is not None}}
        if self._token is not None:
            sent["authorization"] = f"Bearer {{self._token}}"
        payload = None
        if body is not None:
            payload = json.dumps(body)
            sent["content-type"] = "application/json"
        connection = self._connect()
        try:
            connection.request(method, target, payload, sent)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        is_json = "json" in (response.getheader("content-type") or "")
        answer = json.loads(text) if is_json and text else text
        if response.status >= 400:
            raise ApiError(response.status, answer)
        return answer
'''

TAIL = '''

def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _quote(value: Any) -> str:
    return urllib.parse.quote(str(value), safe="")

'''


def main(source: str, target: str) -> None:
    with open(source, encoding="utf-8") as file:
        document = json.load(file)
    parts = [HEAD.format(**document["info"])]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if is_plain(operation):
                parts.append(method_text(document, method, path, operation))
    parts.append(TAIL)
    for name, schema in document["components"]["schemas"].items():
        parts.append(component_text(name, schema))
    with open(target, "w", encoding="utf-8") as file:
        file.write("".join(parts))


def is_plain(operation: dict) -> bool:
    """Streams and websockets are not requests with one answer."""
    answers = operation["responses"]
    return "101" not in answers and not any(
        "text/event-stream" in answer.get("content", {}) for answer in answers.values()
    )


def method_text(document: dict, method: str, path: str, operation: dict) -> str:
    parameters = operation.get("parameters", [])
    required = [each for each in parameters if each.get("required")]
    optional = [each for each in parameters if not each.get("required")]
    words = ["self"] + [f"{word(each['name'])}: {type_text(each['schema'])}" for each in required]
    has_body = "requestBody" in operation
    if has_body:
        content = operation["requestBody"]["content"]["application/json"]
        words.append(f"body: {type_text(content['schema'])}")
    words += [f"{word(each['name'])}: {type_text(each['schema'])} | None = None" for each in optional]
    filled = re.sub(r"\{(\w+)\}", lambda match: "{_quote(" + word(match[1]) + ")}", path)
    query, headers = (
        "{" + ", ".join(f"{each['name']!r}: {word(each['name'])}" for each in parameters if each["in"] == place) + "}"
        for place in ("query", "header")
    )
    body = "body" if has_body else "None"
    return (
        f"\n    def {snake(operation['operationId'])}({', '.join(words)}) -> {answer_type(operation)}:\n"
        f"        {json.dumps(operation['summary'] + '.', ensure_ascii=False)}\n"
        f"        return self._call({method.upper()!r}, f{filled!r}, {query}, {headers}, {body})\n"
    )


def answer_type(operation: dict) -> str:
    for status, answer in operation["responses"].items():
        schema = answer.get("content", {}).get("application/json", {}).get("schema")
        if status.startswith("2") and schema is not None:
            return type_text(schema)
    return "Any"


def component_text(name: str, schema: dict) -> str:
    if schema.get("type") != "object" or "properties" not in schema:
        return f"\n{name} = {type_text(schema)!r}\n"
    # The functional form takes keys that are no words of Python.
    fields = ", ".join(f"{key!r}: {type_text(value)!r}" for key, value in schema["properties"].items())
    return f"\n{name} = TypedDict({name!r}, {{{fields}}}, total=False)\n"


def type_text(schema: dict) -> str:
    if "$ref" in schema:
        return schema["$ref"].rsplit("/", 1)[1]
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return f"Literal[{', '.join(map(repr, values))}]"
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return " | ".join(dict.fromkeys(type_text(each) for each in schema[choice])) or "Any"
    match schema.get("type"):
        case "string":
            return "str"
        case "integer":
            return "int"
        case "number":
            return "float"
        case "boolean":
            return "bool"
        case "array":
            return f"list[{type_text(schema.get('items', {}))}]"
        case "object":
            values = schema.get("additionalProperties")
            return f"dict[str, {type_text(values)}]" if isinstance(values, dict) and values else "dict[str, Any]"
    return "Any"


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def word(name: str) -> str:
    plain = snake(name).replace("-", "_")
    return plain + "_" if keyword.iskeyword(plain) else plain


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
