// A feed reader, written against the documented API alone. Nothing in it knows of bgfetch.
import { BackgroundFetch, TaskManager } from 'expo';
import { readFile, writeFile } from 'node:fs/promises';

const YOUR_TASK_NAME = 'refresh-feed';
const FEED = process.argv[2];
const SEEN = new URL('./seen.txt', import.meta.url);

TaskManager.defineTask(YOUR_TASK_NAME, async () => {
  try {
    const response = await fetch(FEED);
    if (!response.ok) throw new Error(`the feed answered ${response.status}`);
    const feed = await response.text();
    const seen = await readFile(SEEN, 'utf8').catch(() => '');
    const receivedNewData = feed !== seen;
    await writeFile(SEEN, feed);
    console.log(receivedNewData ? `new: ${feed}` : 'nothing new');
    return receivedNewData ? BackgroundFetch.Result.NewData : BackgroundFetch.Result.NoData;
  } catch (error) {
    console.log(`failed: ${error.message}`);
    return BackgroundFetch.Result.Failed;
  }
});

await BackgroundFetch.setMinimumIntervalAsync(2);
await BackgroundFetch.registerTaskAsync(YOUR_TASK_NAME);
