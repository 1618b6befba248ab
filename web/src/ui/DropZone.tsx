import { useEffect, useState } from 'preact/hooks';
import { importFiles, importing } from '../lib/library';

const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true;

/** Files may be dropped anywhere; shows where they go, and how far an import is. */
export function DropZone() {
  const [over, setOver] = useState(false);
  useEffect(() => {
    let depth = 0;
    const stop = new AbortController();
    const on = (
      type: 'dragenter' | 'dragover' | 'dragleave' | 'drop',
      run: (event: DragEvent) => void,
    ) =>
      addEventListener(
        type,
        (event) => {
          if (!hasFiles(event)) return;
          event.preventDefault();
          run(event);
        },
        { signal: stop.signal },
      );
    on('dragenter', () => setOver(++depth > 0));
    on('dragover', () => {});
    on('dragleave', () => setOver((depth = Math.max(0, depth - 1)) > 0));
    on('drop', (event) => {
      depth = 0;
      setOver(false);
      void importFiles(Array.from(event.dataTransfer?.files ?? []));
    });
    return () => stop.abort();
  }, []);
  const work = importing.value;
  return (
    <>
      {over && (
        <div class="drop" aria-hidden="true">
          <p>Drop to import</p>
        </div>
      )}
      {work && (
        <div class="progress" role="status">
          <p>
            Importing <strong>{work.name}</strong>
          </p>
          <progress
            max={work.job?.bytes_total ?? 1}
            {...(work.job?.bytes_total ? { value: work.job.bytes ?? 0 } : {})}
            aria-label="Progress of the import"
          />
        </div>
      )}
    </>
  );
}
