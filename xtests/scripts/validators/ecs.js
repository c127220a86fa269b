const fs = require('fs');
const {EcsFlat: flat, EcsVersion} = require(process.argv[2]);
const bad = new Set(); let n = 0;
const is = {
  keyword: v => typeof v === 'string', constant_keyword: v => typeof v === 'string', wildcard: v => typeof v === 'string',
  match_only_text: v => typeof v === 'string', long: Number.isInteger, date: v => !isNaN(Date.parse(v)),
  ip: v => require('net').isIP(v) > 0, boolean: v => typeof v === 'boolean',
};
const walk = (name, value) => {
  if (name === 'audit' || name.startsWith('audit.')) return;
  // "Custom key/value pairs", of keywords.
  if (name.startsWith('labels.')) { if (typeof value !== 'string') bad.add(name + ': no keyword'); return; }
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
    for (const key in value) walk(name ? name + '.' + key : key, value[key]);
    return;
  }
  const field = flat[name];
  if (!field) return bad.add(name + ': no such field');
  const many = field.normalize.includes('array');
  if (many !== Array.isArray(value)) return bad.add(name + ': array or not');
  for (const one of many ? value : [value]) {
    if (!is[field.type] || !is[field.type](one)) bad.add(`${name}: ${one} is no ${field.type}`);
    if (field.allowed_values && !field.allowed_values.some(v => v.name === one)) bad.add(`${name}: ${one} is not allowed`);
  }
};
for (const line of fs.readFileSync(process.argv[3], 'utf8').trim().split('\n')) {
  const event = JSON.parse(line); n++;
  walk('', event);
  if (event.ecs.version !== EcsVersion.replace(/-.*/, '')) bad.add(`version ${event.ecs.version} is not ${EcsVersion}`);
  const category = flat['event.category'].allowed_values.filter(v => event.event.category.includes(v.name));
  for (const type of event.event.type) if (!category.some(v => v.expected_event_types.includes(type))) bad.add(`type ${type} of ${event.event.category}`);
}
console.log([...bad].join('\n')); console.log(n); process.exit(bad.size ? 1 : 0);
