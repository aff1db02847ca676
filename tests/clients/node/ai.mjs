// The Vercel AI SDK: OpenAI's provider, which talks to the responses, and the one for compatible servers, which talks to the chat.
// A chat, a stream, a tool call with its result, and an answer that follows a schema, with each. Prints what it got.
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { Output, generateText, stepCountIs, streamText, tool } from 'ai'
import { z } from 'zod'

const [url, asked] = process.argv.slice(2)
const { question, bias } = JSON.parse(asked)

// The demo model needs a bias that the providers have no option for.
const biased = (address, init) => {
  const body = JSON.parse(init.body)
  if (body.tool_choice === 'required' || body.text?.format || body.response_format) body.logit_bias = bias
  return fetch(address, { ...init, body: JSON.stringify(body) })
}
const models = {
  responses: createOpenAI({ baseURL: url, apiKey: 'none', fetch: biased })('demo'),
  chat: createOpenAICompatible({ name: 'guard', baseURL: url, fetch: biased, supportsStructuredOutputs: true })('demo'),
}
const schema = z.object({ name: z.enum(['Ann']) })
const found = {}
for (const [name, model] of Object.entries(models)) {
  const shared = { model, prompt: question, temperature: 0, maxRetries: 0 }
  const own = (found[name] = {})
  const whole = await generateText({ ...shared, maxOutputTokens: 40 })
  own.text = whole.text
  own.finish = whole.finishReason
  own.usage = whole.usage.outputTokens > 0
  own.stream = ''
  const stream = streamText({ ...shared, maxOutputTokens: 40 })
  for await (const part of stream.textStream) own.stream += part
  own.streamFinish = await stream.finishReason

  const lookup = tool({ inputSchema: schema, execute: async ({ name }) => `${name} lives in Oslo.` })
  const steps = await generateText({
    ...shared,
    tools: { lookup },
    stopWhen: stepCountIs(2),
    maxOutputTokens: 80,
    prepareStep: ({ stepNumber }) => ({ toolChoice: stepNumber ? 'none' : 'required' }),
  })
  own.calls = steps.steps[0].toolCalls.map((call) => [call.toolName, call.input])
  own.results = steps.steps[0].toolResults.map((result) => result.output)
  own.steps = steps.steps.length

  const parsed = await generateText({ ...shared, output: Output.object({ schema }), maxOutputTokens: 80 })
  own.parsed = parsed.output
}
console.log(JSON.stringify(found))
