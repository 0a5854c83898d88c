# SPDX-License-Identifier: MIT
# clients.py BASE_URL: OpenAI's own client for Python against the gateway, unmodified. One line a case, as clients.mjs.
import asyncio
import sys

import openai

base_url = sys.argv[1]
messages = [{"role": "user", "content": "hi"}]
tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
client = openai.OpenAI(base_url=base_url, api_key="x")


def ask(model, **more):
    return client.chat.completions.create(model=model, messages=messages, **more)


def raw(model):
    return client.chat.completions.with_raw_response.create(model=model, messages=messages)


def text_of(stream):
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def fallback():
    response = raw("limited")
    return f"{response.parse().choices[0].message.content} {response.headers['x-lull-attempts']}"


def use_tool():
    call = ask("tool", tools=tools).choices[0].message.tool_calls[0].function
    return f"{call.name} {call.arguments}"


def abort():
    stream = ask("stalls", stream=True)
    for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    stream.close()
    return "left"


async def ask_at_once():
    async with openai.AsyncOpenAI(base_url=base_url, api_key="x") as many:
        answers = await asyncio.gather(
            *[many.chat.completions.create(model="well", messages=messages) for _ in range(50)]
        )
    return sum(answer.choices[0].message.content == "Answer from well." for answer in answers)


cases = {
    "plain": lambda: ask("well").choices[0].message.content,
    "streamed": lambda: text_of(ask("well", stream=True)),
    "fallback": fallback,
    "skipped": lambda: raw("limited").headers["x-lull-trail"].split()[1],
    "tools": use_tool,
    "cooling": lambda: ask("alone"),  # with the client's own retries, which it is told not to make
    "refused": lambda: ask("refuses"),
    "unknown": lambda: ask("nowhere"),
    "cut": lambda: text_of(ask("cut", stream=True)),
    "aborted": abort,
    "models": lambda: len(client.models.list().data),
    "embeddings": lambda: ",".join(f"{x:g}" for x in client.embeddings.create(model="embed", input="a").data[0].embedding),
    "fifty-at-once": lambda: asyncio.run(ask_at_once()),
}

for name, run in cases.items():
    try:
        print(f"{name}: {run()}")
    except openai.APIError as error:
        status = getattr(error, "status_code", "-")
        print(f"{name}: {type(error).__name__} {status} {error.code or '-'}")
