/** VitePress's own theme, and Mermaid's diagrams, which GitHub draws by itself. */

import { useData } from 'vitepress'
import DefaultTheme from 'vitepress/theme'
import { type Component, defineComponent, h, onMounted, ref, watch } from 'vue'

/** Draws in the browser, where Mermaid measures its text; until then the source is shown. */
const Diagram: Component = defineComponent({
  props: { source: { type: String, required: true } },
  setup({ source }) {
    const text = decodeURIComponent(source)
    const svg = ref('')
    const { isDark } = useData()
    const draw = async () => {
      const { default: mermaid } = await import('mermaid')
      mermaid.initialize({ startOnLoad: false, theme: isDark.value ? 'dark' : 'default' })
      svg.value = (await mermaid.render(`diagram-${Math.random().toString(36).slice(2)}`, text)).svg
    }
    onMounted(draw)
    watch(isDark, draw)
    return () => (svg.value === '' ? h('pre', text) : h('div', { class: 'diagram', innerHTML: svg.value }))
  },
})

export default {
  extends: DefaultTheme,
  enhanceApp: ({ app }: { app: { component(name: string, component: Component): void } }) => {
    app.component('Diagram', Diagram)
  },
}
