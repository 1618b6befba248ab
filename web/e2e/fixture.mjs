// A ChatGPT export made for the tests: branches, code, formulas, tools, thoughts, hidden turns; and a long conversation.
import { randomUUID } from 'node:crypto';

const begin = 1_750_000_000;

/** Words of the fixture are marked with `mark`, so that runs against the same nodes do not find each other's. */
export function makeExport(mark, { longTurns = 500 } = {}) {
  return [sailing(mark), long(mark, longTurns)];
}

function conversation(title, build) {
  const mapping = {};
  let clock = 0;
  const add = (parent, role, content, more = {}) => {
    const id = randomUUID();
    const time = begin + clock++;
    const { author, metadata, ...rest } = more;
    mapping[id] = {
      id,
      parent,
      children: [],
      message:
        role === null
          ? null
          : {
              id,
              author: { role, name: null, metadata: {}, ...author },
              create_time: time,
              update_time: null,
              content,
              status: 'finished_successfully',
              end_turn: true,
              weight: 1,
              recipient: 'all',
              channel: null,
              metadata:
                role === 'assistant' ? { model_slug: 'gpt-5-2', ...metadata } : { ...metadata },
              ...rest,
            },
    };
    if (parent !== null) mapping[parent].children.push(id);
    return id;
  };
  const current = build(add);
  const id = randomUUID();
  return {
    id,
    conversation_id: id,
    title,
    create_time: begin,
    update_time: begin + clock,
    mapping,
    current_node: current,
    default_model_slug: 'gpt-5-2',
    is_archived: false,
    moderation_results: [],
    plugin_ids: null,
    safe_urls: [],
  };
}

const words = (...parts) => ({ content_type: 'text', parts });

function sailing(mark) {
  return conversation(`Sailing at night ${mark}`, (add) => {
    const root = add(null, null);
    const system = add(root, 'system', words('You are a patient navigator.'), {
      metadata: { is_visually_hidden_from_conversation: true },
    });
    const question = add(
      system,
      'user',
      words(`How far away is a light that I can just see at the horizon? ${mark}`),
    );
    const thoughts = add(question, 'assistant', {
      content_type: 'thoughts',
      thoughts: [
        { summary: 'Geometry of the horizon', content: 'The line of sight touches the sphere.' },
      ],
      source_analysis_msg_id: '',
    });
    const first = add(thoughts, 'assistant', words(answer));
    const second = add(
      thoughts,
      'assistant',
      words('A shorter answer: about **2.1 nautical miles** for each root of a metre, twice.'),
    );
    const third = add(
      thoughts,
      'assistant',
      words('The third answer: look it up in the list of lights.'),
    );
    const code = add(
      first,
      'assistant',
      { content_type: 'code', language: 'python', text: 'print(2.08 * (3 ** 0.5 + 16 ** 0.5))' },
      { recipient: 'python' },
    );
    const output = add(
      code,
      'tool',
      { content_type: 'execution_output', text: '11.92266' },
      { author: { name: 'python' } },
    );
    const quote = add(
      output,
      'tool',
      {
        content_type: 'tether_quote',
        url: 'https://example.org/lights',
        domain: 'example.org',
        title: 'List of lights',
        text: 'Flashing white, ten seconds.',
      },
      { author: { name: 'browser' } },
    );
    add(second, 'user', words('Thank you, that is enough.'));
    add(third, 'user', words('Which list?'));
    return add(
      quote,
      'assistant',
      words(
        'So the lighthouse is **about 12 nautical miles** away.\n\n> Keep the light on your bow.',
      ),
    );
  });
}

const answer = [
  '## The rule of thumb',
  'The distance in nautical miles is \\(d \\approx 2.08\\,(\\sqrt{h} + \\sqrt{H})\\), with both heights in metres:',
  '\\[\nd = 2.08 \\left( \\sqrt{3} + \\sqrt{16} \\right) \\approx 11.9\n\\]',
  '| height | distance |\n|---|---|\n| 4 m | 4.2 nm |\n| 16 m | 8.3 nm |',
  '```cpp\n#include <cmath>\n\n/// Distance to a light in nautical miles.\ndouble range_nm(double eye_m, double light_m) {\n  return 2.08 * (std::sqrt(eye_m) + std::sqrt(light_m));\n}\n```',
  '1. Note the bearing.\n2. Note the `log`.\n3. Look again in *ten minutes*.',
].join('\n\n');

function long(mark, turns) {
  return conversation(`A long watch ${mark}`, (add) => {
    let at = add(null, null);
    for (let turn = 0; turn < turns; turn++) {
      at =
        turn % 2 === 0
          ? add(at, 'user', words(`Hour ${turn}: what do we see? ${mark}`))
          : add(
              at,
              'assistant',
              words(
                `Hour ${turn}: **stars**, and a swell from the west.\n\n- wind force ${turn % 9}\n- \`course ${turn % 360}\`\n\nNothing else moves on the water tonight.`,
              ),
            );
    }
    return at;
  });
}
