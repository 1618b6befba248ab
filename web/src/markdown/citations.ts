/**
 * Providers leave marks of their citations in the words: `【4:0†source】` and private-use brackets around `cite` and
 * the ids of sources. A reader sees a small mark instead; the words of the document stay as they are.
 */
const privateUse = / ?\ue200(?:(?!\ue201)[\s\S]){0,2000}\ue201/g;
const lenticular = / ?【([^【】†]{0,40})†([^【】]{0,200})】/g;

export function markCitations(text: string): string {
  if (!text.includes('【') && !text.includes('\ue200')) return text;
  return text
    .replace(privateUse, '')
    .replace(lenticular, (_all, _id: string, name: string) =>
      name.trim() === 'source' ? '' : ` [${name.trim()}]`,
    );
}
