// Zooming: its buttons, and the whole drawing at first and when its place on the page changes.
import { ControlButton, Controls, useReactFlow, useStore } from "@xyflow/react";
import { useCallback, useEffect } from "react";
import type { Frame } from "./geometry";

const LARGEST = 1.1;
const CORNERS = "M2 6V2H6M10 2H14V6M14 10V14H10M6 14H2V10";

/** `bounds`: what the whole drawing needs; more than its nodes, as edges and names stick out. */
export function Zoom({ bounds }: { bounds: Frame }) {
  const { setViewport } = useReactFlow();
  const across = useStore((state) => state.width);
  const down = useStore((state) => state.height);
  const showAll = useCallback(() => {
    if (!across || !down) return;
    const { x, y, width, height } = bounds;
    const zoom = 0.97 * Math.min(across / width, down / height, LARGEST);
    void setViewport({
      x: across / 2 - zoom * (x + width / 2),
      y: down / 2 - zoom * (y + height / 2),
      zoom,
    });
  }, [across, down, bounds, setViewport]);
  useEffect(showAll, [showAll]);
  return (
    <Controls showInteractive={false} showFitView={false} position="bottom-right" aria-label="Zoom">
      <ControlButton onClick={showAll} title="Show all of it" aria-label="Show all of it">
        <svg viewBox="0 0 16 16" className="zoom-all" aria-hidden="true">
          <path d={CORNERS} />
        </svg>
      </ControlButton>
    </Controls>
  );
}
