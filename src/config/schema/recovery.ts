/** What happens around putting an application back. */
import { z } from 'zod';
import { duration, exactlyOne, mapping, oneOrMany, onlyWith, text, textLike, wholeNumber } from './parts.ts';
import { commands, serviceName } from './shared.ts';

const webUrl = textLike(/^https?:\/\/\S+$/, 'a URL such as http://localhost/health');

const health = z.union(
  [
    webUrl,
    exactlyOne(
      mapping({
        url: webUrl
          .meta({ description: 'Healthy when it answers with a status from 200 to 399.', examples: ['http://localhost/health'] })
          .optional(),
        service: serviceName.meta({ description: "Healthy when this service's own health check says so." }).optional(),
        within: duration().meta({ description: 'How long to wait for it.', default: '2m' }).optional(),
      }),
      ['url', 'service'],
    ),
  ],
  { error: 'a URL, or a mapping with url or service' },
);

const smokeMapping = mapping({
  sql: text('a query')
    .meta({ description: 'Passed when its first value is true, or not zero.', examples: ['select count(*) > 0 from users'] })
    .optional(),
  component: text('the name of a component').meta({ description: 'With `sql`: the database, where there are several.' }).optional(),
  http: webUrl.meta({ description: 'Passed when it answers with `status`, and a body that contains `contains`.' }).optional(),
  status: wholeNumber(100, 599).meta({ description: 'With `http`.', default: 200 }).optional(),
  contains: text().meta({ description: 'With `http`.' }).optional(),
  run: text('a command for sh')
    .meta({ description: 'Passed when it ends with status 0.', examples: ['./smoke-test.sh'] })
    .optional(),
  service: serviceName.meta({ description: 'With `run`: inside this Compose service.' }).optional(),
  within: duration().meta({ description: 'With `run`: it is ended after this time.', default: '10m' }).optional(),
});

/** What must hold: a query, a URL, a command. */
export const smoke = z.union(
  [
    text('a command for sh'),
    onlyWith(
      onlyWith(onlyWith(exactlyOne(smokeMapping, ['sql', 'http', 'run']), ['component'], ['sql']), ['status', 'contains'], ['http']),
      ['service', 'within'],
      ['run'],
    ),
  ],
  { error: 'a command, or a mapping with sql, http or run' },
);

export const recovery = mapping({
  quiesce: oneOrMany(serviceName, 'a service, or a list of services')
    .meta({ description: 'Services that are stopped while data is put back.' })
    .optional(),
  after: commands.meta({ description: 'Run when data is back: migrations.' }).optional(),
  health: health.meta({ description: 'When the application counts as up.' }).optional(),
  smoke: oneOrMany(smoke, 'a smoke test, or a list of them').meta({ description: 'What must hold then.' }).optional(),
});
