/**
 * Starts the camera, if the user lets it.
 * @throws Error in words where there is none, or it may not be used
 */
export async function startCamera(
  video: HTMLVideoElement,
): Promise<{ readonly video: HTMLVideoElement; readonly end: () => void }> {
  // Absent on pages that came neither over https nor from this machine.
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (devices === undefined)
    throw new Error('browsers give the camera to pages that come over https or from this machine');
  const stream = await devices
    .getUserMedia({ video: { width: 640, height: 480 } })
    .catch((error: unknown) => {
      const { name, message } = error as DOMException;
      throw new Error(reasons[name] ?? `the camera does not start: ${message}`);
    });
  video.srcObject = stream;
  await video.play();
  return {
    video,
    end() {
      for (const track of stream.getTracks()) track.stop();
      video.srcObject = null;
    },
  };
}

const reasons: Readonly<Record<string, string>> = {
  NotFoundError: 'there is no camera here',
  NotAllowedError: 'the camera was not allowed',
  NotReadableError: 'the camera is in use elsewhere',
};
