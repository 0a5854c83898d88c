// SPDX-License-Identifier: MIT
// clients.mjs BASE_URL: OpenAI's own client and Vercel's against the gateway, unmodified. One line a case.
import OpenAI from 'openai';
import { generateText, streamText } from 'ai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';

const baseURL = process.argv[2];
const messages = [{ role: 'user', content: 'hi' }];
const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }];
const openai = new OpenAI({ baseURL, apiKey: 'x' });
const vercel = createOpenAICompatible({ name: 'lull', baseURL, apiKey: 'x' });

const ask = (model, more) => openai.chat.completions.create({ model, messages, ...more });

async function textOf(stream) {
	let text = '';
	for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? '';
	return text;
}

const cases = {
	plain: async () => (await ask('well')).choices[0].message.content,
	streamed: async () => textOf(await ask('well', { stream: true })),
	fallback: async () => {
		const { data, response } = await ask('limited').withResponse();
		return `${data.choices[0].message.content} ${response.headers.get('x-lull-attempts')}`;
	},
	skipped: async () => (await ask('limited').withResponse()).response.headers.get('x-lull-trail').split(' ')[1],
	tools: async () => {
		const [call] = (await ask('tool', { tools })).choices[0].message.tool_calls;
		return `${call.function.name} ${call.function.arguments}`;
	},
	cooling: async () => ask('alone'), // with the client's own retries, which it is told not to make
	refused: async () => ask('refuses'),
	unknown: async () => ask('nowhere'),
	cut: async () => textOf(await ask('cut', { stream: true })),
	aborted: async () => {
		const stream = await ask('stalls', { stream: true });
		for await (const chunk of stream) if (chunk.choices[0]?.delta?.content) break;
		return 'left';
	},
	models: async () => (await openai.models.list()).data.length,
	embeddings: async () => (await openai.embeddings.create({ model: 'embed', input: 'a' })).data[0].embedding.join(),
	vercel: async () => (await generateText({ model: vercel('well'), prompt: 'hi' })).text,
	'vercel-streamed': async () => {
		let text = '';
		for await (const piece of streamText({ model: vercel('well'), prompt: 'hi' }).textStream) text += piece;
		return text;
	},
	'vercel-unknown': async () => generateText({ model: vercel('nowhere'), prompt: 'hi', maxRetries: 0 }),
};

for (const [name, run] of Object.entries(cases)) {
	try {
		console.log(`${name}: ${await run()}`);
	} catch (error) {
		const kind = error.constructor.name.replace(/^_/, '');
		console.log(`${name}: ${kind} ${error.status ?? error.statusCode ?? '-'} ${error.code ?? '-'}`);
	}
}
