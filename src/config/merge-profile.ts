/** Profiles: what differs in development, production, on one machine. */
import { nearestWord } from './nearest-word.ts';
import { problemAt, type ConfigurationProblem, type Located, type LocatedEntry, type LocatedMapping } from './located-tree.ts';

/** The file without its `profiles` and notes (`x-…`), with the chosen profile merged over the rest. */
export function mergeProfile(
  tree: LocatedMapping,
  profile: string | undefined,
): { readonly tree: Located; readonly problem?: ConfigurationProblem } {
  const entries = new Map([...tree.entries].filter(([key]) => key !== 'profiles' && !key.startsWith('x-')));
  const rest: LocatedMapping = { ...tree, entries };
  if (profile === undefined) return { tree: rest };
  const profiles = tree.entries.get('profiles');
  const found = profiles?.value.type === 'mapping' ? profiles.value.entries.get(profile)?.value : undefined;
  if (found !== undefined) return { tree: mergeOver(rest, found) };
  const names = profiles?.value.type === 'mapping' ? [...profiles.value.entries.keys()] : [];
  const near = nearestWord(profile, names);
  const allowed = names.length === 0 ? 'allowed are none: the file has no profiles' : `allowed are ${names.join(', ')}`;
  const message = `found no profile ${JSON.stringify(profile)}, ${allowed}${near === undefined ? '' : `; did you mean "${near}"?`}`;
  return { tree: rest, problem: problemAt(profiles?.key ?? tree, message) };
}

/** Mappings are merged key by key, anything else is replaced; a key that the profile leaves empty is taken out. */
function mergeOver(below: Located, above: Located): Located {
  if (below.type !== 'mapping' || above.type !== 'mapping') return above;
  const entries = new Map<string, LocatedEntry>(below.entries);
  for (const [name, { key, value }] of above.entries) {
    const covered = entries.get(name);
    if (value.type === 'scalar' && value.value === null && covered !== undefined) entries.delete(name);
    else entries.set(name, { key, value: covered === undefined ? value : mergeOver(covered.value, value) });
  }
  return { ...above, entries };
}
