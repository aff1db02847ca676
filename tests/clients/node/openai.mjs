// OpenAI's SDK for Node: a chat, a stream, a tool call and an answer that follows a schema, on both APIs. Prints what it got.
import OpenAI from 'openai'
import { zodTextFormat } from 'openai/helpers/zod'
import { z } from 'zod'

const [url, asked] = process.argv.slice(2)
const { question, bias } = JSON.parse(asked)
const client = new OpenAI({ baseURL: url, apiKey: 'none', maxRetries: 0 })
const schema = z.object({ name: z.enum(['Ann']) })
const parameters = { type: 'object', properties: { name: { enum: ['Ann'] } }, required: ['name'], additionalProperties: false }
const shared = { model: 'demo', temperature: 0 }
const messages = [{ role: 'user', content: question }]
const found = {}

const chat = await client.chat.completions.create({ ...shared, messages, max_tokens: 40 })
found.chat = chat.choices[0].message.content
found.chatStream = ''
for await (const chunk of await client.chat.completions.create({ ...shared, messages, max_tokens: 40, stream: true }))
  found.chatStream += chunk.choices[0]?.delta?.content ?? ''

const whole = await client.responses.create({ ...shared, input: question, max_output_tokens: 40 })
found.response = whole.output_text
found.status = whole.status
found.responseStream = ''
const stream = client.responses.stream({ ...shared, input: question, max_output_tokens: 40 })
for await (const event of stream) if (event.type === 'response.output_text.delta') found.responseStream += event.delta
found.finalStatus = (await stream.finalResponse()).status

const tools = [{ type: 'function', name: 'lookup', parameters, strict: true }]
const limited = { ...shared, max_output_tokens: 80, logit_bias: bias }
const called = await client.responses.create({ ...limited, input: question, tools, tool_choice: 'required' })
const call = called.output.find((item) => item.type === 'function_call')
found.call = [call.name, JSON.parse(call.arguments)]
const output = { type: 'function_call_output', call_id: call.call_id, output: 'Ann lives in Oslo.' }
const input = [{ role: 'user', content: question }, ...called.output, output]
found.afterCall = (await client.responses.create({ ...shared, input, tools, max_output_tokens: 8 })).output.length

const text = { format: zodTextFormat(schema, 'answer') }
found.parsed = (await client.responses.parse({ ...limited, input: question, text })).output_parsed

try {
  await client.responses.create({ ...shared, input: question, previous_response_id: 'resp_1' })
} catch (error) {
  found.refused = [error.status, error.param]
}
console.log(JSON.stringify(found))
