import { awsCommand } from './aws-command.ts';
import { type Form, requestOf, type Sample } from './form.ts';
import { hereDocument } from './quote.ts';

export function eventSample(form: Form): Sample {
  const { endpoint } = form;
  const { bus = 'your-event-bus' } = endpoint;
  const entries = [
    {
      EventBusName: bus,
      Source: 'my.app',
      DetailType: 'Generation Requested',
      Detail: JSON.stringify(requestOf(form)),
    },
  ];
  return {
    id: 'event',
    title: 'Event',
    language: 'sh',
    text: `${awsCommand('events put-events --entries file:///dev/stdin', endpoint, endpoint.eventsUrl)} ${hereDocument(entries)}\n`,
    note: 'EventBridge takes at most 256 KB. The outcome comes as an event on the same bus; a request that is refused, as Generation Rejected.',
  };
}
